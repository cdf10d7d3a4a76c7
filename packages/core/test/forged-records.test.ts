import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../src/clock.ts';
import { memoryDriver } from '../src/driver/memory/memory-driver.ts';
import { decodeRecord, type OutcomeRecord } from '../src/driver.ts';
import { Lovage } from '../src/index.ts';
import { silentLogger } from '../src/logger.ts';
import { newTaskId } from '../src/message/task-id.ts';

const apps: Lovage[] = [];
afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));

/** An app whose store has these records. */
async function withRecords(...records: readonly Partial<OutcomeRecord>[]): Promise<Lovage> {
  const broker = `memory://${newTaskId()}`;
  const app = new Lovage('forged', { broker, clock: systemClock, logger: silentLogger });
  apps.push(app);
  const connection = { socketTimeout: 1000, connectTimeout: 1000 };
  const context = { connection, clock: systemClock, logger: silentLogger, prefix: undefined, publishTimeout: 1000 };
  const base = { task: 't', state: 'SUCCESS', attempts: 1, at: 1 };
  await memoryDriver
    .connect(broker, context)
    .results?.put(records.map((record) => ({ record: { ...base, ...record } as OutcomeRecord, ttl: 60_000 })));
  return app;
}

describe('a forged record', () => {
  it('whose list holds itself is refused by name', async () => {
    const app = await withRecords(
      { id: 'g', list: { group: 'g', size: 1 } },
      { id: 'g.0', list: { group: 'g', size: 1 } },
    );
    await expect(app.asyncResult('g').get({ timeout: '5s' })).rejects.toMatchObject({
      name: 'MalformedMessageError',
      message: expect.stringContaining('holds itself'),
    });
  });

  it('whose lists double at every level ends with the timeout', async () => {
    const members = Array.from({ length: 40 }, (_, level) =>
      [0, 1].map((index) => ({ id: `g${level}.${index}`, list: { group: `g${level + 1}`, size: 2 } })),
    );
    const app = await withRecords({ id: 'g', list: { group: 'g0', size: 2 } }, ...members.flat());
    const ends = expect(app.asyncResult('g').get({ timeout: 200 })).rejects.toMatchObject({
      name: expect.stringMatching(/ResultTimeoutError|ResultExpiredError/),
    });
    await ends;
  });

  it.each([
    ['list', { list: { group: 7, size: 1 } }],
    ['list', { list: { group: 'g', size: 1e300 } }],
    ['list', { list: null }],
    ['added', { added: 1e15 }],
    ['failure', { failure: 'no' }],
    ['reason', { reason: {} }],
    ['canvas', { canvas: 'x' }],
    ['plan', { plan: 3 }],
  ])('with a field "%s" of another kind is a FAILURE that says so: %j', (field, fields) => {
    const text = JSON.stringify({ id: 'a', task: 't', state: 'SUCCESS', attempts: 1, at: 1, ...fields });
    expect(decodeRecord(text)).toMatchObject({
      id: 'a',
      state: 'FAILURE',
      failure: { name: 'MalformedMessageError', message: expect.stringContaining(`"${field}"`) },
    });
  });

  it('is told to those who wait', async () => {
    const app = await withRecords({ id: 'a', list: { group: 'g', size: 0.5 } });
    await expect(app.asyncResult('a').get({ timeout: '5s' })).rejects.toMatchObject({
      message: expect.stringContaining('malformed'),
    });
  });
});
