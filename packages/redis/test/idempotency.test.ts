import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CallOptions, Lovage } from '@lovage/core';
import { newTaskId } from '@lovage/core/driver';
import { Inspector } from '@lovage/core/inspect';
import { until } from '@lovage/core/testing';
import { startWorker } from '@lovage/core/worker';
import { describe, expect, it } from 'vitest';
import { redisDriver, streamsDriver } from '../src/index.ts';
import { BeatProcess } from './beat-process.ts';
import { streamsUrl } from './streams-bench.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

interface Figures {
  /** How often the handler ran. */
  readonly runs: number;
  readonly ids: number;
  /** How many tasks are left in the broker, for later. */
  readonly left: number;
  /** What one more call gets when all have ended. */
  readonly later: string;
}

/** Four processes call at once, 100 times each, then this one once more; a worker here writes each run to a file. */
async function callFromFour(url: string, options: CallOptions, runs: number, once = options): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'lovage-key-'));
  const ledger = join(folder, 'ledger.txt');
  writeFileSync(ledger, '');
  const lines = (): number => readFileSync(ledger, 'utf8').split('\n').length - 1;
  const prefix = `t${newTaskId()}`;
  const app = new Lovage('ledger', { broker: url, prefix, drivers: [redisDriver, streamsDriver], logLevel: 'silent' });
  const note = app.task('note', () => {
    appendFileSync(ledger, 'ran\n');
    return `noted ${lines()}`;
  });
  await startWorker(app, { concurrency: 16 });
  const callers = Array.from({ length: 4 }, () => new BeatProcess({ role: 'call', url, prefix, options, ttl: 1 }));
  try {
    await Promise.all(callers.map((caller) => caller.said('ready')));
    for (const { child } of callers) child.stdin?.write('go\n');
    await Promise.all(callers.map((caller) => caller.said('done')));
    const ids = new Set(callers.flatMap((caller) => caller.lines.filter((line) => line.startsWith('id '))));
    await until(() => lines() >= runs, { what: `${runs} runs` });
    const before = lines();
    const [counts] = await new Inspector(app).queues(['default']);
    const later = await note.call([], { ...once, timeout: '60s' });
    return { runs: before, ids: ids.size, left: counts?.delayed ?? 0, later };
  } finally {
    await Promise.all(callers.map((caller) => caller.end()));
    await app.close();
    rmSync(folder, { recursive: true });
  }
}

describe.each([
  ['redis', () => redis.server.url],
  ['redis+streams', () => streamsUrl(redis.server)],
])('400 calls from four processes at once, on %s', (_driver, url) => {
  it.each([
    ['one idempotency key', { idempotencyKey: 'one' }],
    ['one key and a window', { throttle: '1h' }],
  ] as const)(
    'with %s: one id, one run, and the value again after the end',
    async (_what, options) => {
      expect(await callFromFour(url(), options, 1)).toEqual({ runs: 1, ids: 1, left: 0, later: 'noted 1' });
    },
    180_000,
  );

  // an hour: on a loaded machine 400 calls may be further apart than a second, which makes two bursts of them
  it('with debounce: one is left and waits, until a call that need not wait takes its place', async () => {
    const options = { debounce: { period: '1h', key: 'one' }, ignoreResult: true } as const;
    const once = { unique: { key: 'one', onConflict: 'replace' } } as const;
    const figures = await callFromFour(url(), options, 0, once);
    expect(figures).toEqual({ runs: 0, ids: 400, left: 1, later: 'noted 1' });
  }, 180_000);

  it('control: without a key, 400 runs', async () => {
    expect(await callFromFour(url(), {}, 400)).toMatchObject({ runs: 400, ids: 400 });
  }, 180_000);
});
