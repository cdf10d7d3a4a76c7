import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lovage } from '@lovage/core';
import { newTaskId } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { startWorker } from '@lovage/core/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisDriver } from '../src/index.ts';
import { BeatProcess } from './beat-process.ts';
import { RedisServer } from './redis-server.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

/** Four processes call at once, 100 times each; a worker here writes each run to a file. */
async function callFromFour(
  keyed: boolean,
): Promise<{ readonly runs: number; readonly ids: number; readonly later: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'lovage-key-'));
  const ledger = join(folder, 'ledger.txt');
  const prefix = `t${newTaskId()}`;
  const app = new Lovage('ledger', { broker: server.url, prefix, drivers: [redisDriver], logLevel: 'silent' });
  const note = app.task('note', () => {
    appendFileSync(ledger, 'ran\n');
    return 'noted';
  });
  await startWorker(app, { concurrency: 16 });
  const callers = Array.from(
    { length: 4 },
    () => new BeatProcess({ role: 'call', url: server.url, prefix, keyed, ttl: 1 }),
  );
  try {
    await Promise.all(callers.map((caller) => caller.said('ready')));
    for (const { child } of callers) child.stdin?.write('go\n');
    await Promise.all(callers.map((caller) => caller.said('done')));
    const ids = new Set(callers.flatMap(({ lines }) => lines.filter((line) => line.startsWith('id '))));
    const later = keyed ? await note.call([], { idempotencyKey: 'one', timeout: '10s' }) : '';
    if (!keyed) await until(() => readFileSync(ledger, 'utf8').length >= 1_600, { what: '400 runs' });
    return { runs: readFileSync(ledger, 'utf8').split('\n').length - 1, ids: ids.size, later };
  } finally {
    await Promise.all(callers.map((caller) => caller.end()));
    await app.close();
    rmSync(folder, { recursive: true });
  }
}

describe('400 calls from four processes at once', () => {
  it('with one idempotency key: one id, one run, and the value again after the end', async () => {
    expect(await callFromFour(true)).toEqual({ runs: 1, ids: 1, later: 'noted' });
  }, 60_000);

  it('control: without a key, 400 runs', async () => {
    expect(await callFromFour(false)).toMatchObject({ runs: 400, ids: 400 });
  }, 60_000);
});
