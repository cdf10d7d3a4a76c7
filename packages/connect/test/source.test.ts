import { Lovage } from '@lovage/core';
import { startWorker } from '@lovage/core/worker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Connect, MemoryLog, type SourceSystem } from '../src/index.ts';

const wait = { timeout: 60_000 } as const;
const record = (n: number) => ({ value: Buffer.from(String(n)) });

describe('a source', () => {
  let app: Lovage;
  let log: MemoryLog;
  const ran: number[] = [];

  beforeEach(() => {
    ran.length = 0;
    app = new Lovage('source', { broker: 'memory://', logLevel: 'silent' });
    app.task('count', (n: number) => void ran.push(n));
    log = new MemoryLog();
    log.append(Array.from({ length: 40 }, (_, n) => record(n)));
  });

  afterEach(() => app.close());

  const connect = (system: SourceSystem) => {
    const connect = new Connect(app);
    return { connect, source: connect.source(system, app.remote<(n: number) => void>('count').s()) };
  };

  it('names the records that were deleted before they were read', async () => {
    log.trim(0, 30);
    await startWorker(app);
    const { connect: reading, source } = connect(log.source('group'));
    await reading.start();
    await expect.poll(() => ran.length, wait).toBe(10);
    expect(source.status.gaps).toEqual([{ partition: '0', from: '0', to: '30' }]);
    expect(source.status.lastError).toContain('offset out of range');
  });

  it('loses nothing when it ends before the broker has accepted; a reader that commits first does (control)', async () => {
    let committed = 0;
    const commitsFirst: SourceSystem = {
      system: 'memory',
      name: 'commits-first',
      open: async (context) => {
        const records = log.read(0, committed, 100);
        committed += records.length;
        void context.accept(records).catch(() => undefined);
        return { lag: async () => [], close: async () => undefined };
      },
    };
    for (const [system, expected] of [
      [commitsFirst, 0],
      [log.source('group'), 40],
    ] as const) {
      const first = connect(system);
      first.source.pause();
      await first.connect.start();
      await expect.poll(() => first.source.status.state, wait).toBe('paused');
      await first.connect.close();
      const second = connect(system);
      await second.connect.start();
      await expect.poll(() => second.source.status.accepted, wait).toBe(expected);
      await second.connect.close();
    }
    await startWorker(app);
    await expect.poll(() => ran.length, wait).toBe(40);
  });

  it('refuses a key where the task keeps no order, and options that cannot be', () => {
    const task = app.remote<(n: number) => void>('count').s();
    const refused = (options: object) => () => new Connect(app).source(log.source('group'), task, options);
    expect(refused({ key: 'partition' })).toThrow('has no orderingKey');
    expect(refused({ batch: 501 })).toThrow('batch: expected a whole number from 1 to 500');
    expect(refused({ name: 'a b' })).toThrow('name: expected 1 to 100');
  });
});
