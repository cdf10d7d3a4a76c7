import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import { type Clock, systemClock } from '../src/clock.ts';
import { silentLogger } from '../src/logger.ts';
import { newTaskId } from '../src/message/task-id.ts';
import type { TaskContext } from '../src/task/task-context.ts';
import { startWorker } from '../src/worker.ts';
import { createForgetfulDriver } from './forgetful-driver.ts';

const seed = Number(process.env['ADMISSION_SEED'] ?? 20_261_126);
const runs = Number(process.env['ADMISSION_RUNS'] ?? 20);

describe(`keys while steps are lost (ADMISSION_SEED=${seed} ADMISSION_RUNS=${runs})`, {
  timeout: 120_000,
}, () => {
  it('whatever steps are lost on the way, keys keep their order and limits, and every call ends', async () => {
    const check = fc.asyncProperty(fc.integer(), fc.integer({ min: 0, max: 40 }), (luck, losses) =>
      examine(luck, losses / 100),
    );
    await fc.assert(check, { seed, numRuns: runs, interruptAfterTimeLimit: 100_000 });
  });

  it('control: with nobody to look after them, calls wait for ever', async () => {
    await expect(examine(seed, 0.4, { lookedAfter: false, maxWait: 3_000 })).rejects.toThrow(/within/);
  });
});

/** So many times faster than the machine's: the janitor's seconds pass in no time. */
const haste = 100;
const began = { now: Date.now(), at: performance.now() };
const elapsed = (): number => (performance.now() - began.at) * haste;
const fastClock: Clock = {
  now: () => Math.round(began.now + elapsed()),
  monotonic: elapsed,
  after: (ms, fn, options) => systemClock.after(ms / haste, fn, options),
};

/** Calls of a few keys through two workers, while leaves and promotions get lost and deliveries come twice. */
async function examine(luck: number, lossRate: number, { lookedAfter = true, maxWait = 15_000 } = {}): Promise<void> {
  const driver = createForgetfulDriver(luck, lossRate, lookedAfter);
  const options = { broker: `forgetful://${newTaskId()}`, drivers: [driver], logger: silentLogger, clock: fastClock };
  const app = new Lovage('model', options);
  const starts = new Map<string, number[]>();
  let most = 0;
  const running = new Map<string, number>();
  const run = async (key: string, nth: number): Promise<void> => {
    starts.set(key, [...(starts.get(key) ?? []), nth]);
    running.set(key, (running.get(key) ?? 0) + 1);
    most = Math.max(most, running.get(key) ?? 0);
    await new Promise((resolve) => setImmediate(resolve));
    running.set(key, (running.get(key) ?? 0) - 1);
  };
  const ordered = app.task(
    { name: 'ordered', bind: true, orderingKey: ([key]) => key, retryJitter: false },
    async (self: TaskContext, key: string, nth: number) => {
      await run(key, nth);
      if ((nth * 7 + luck) % 5 === 0 && self.retries === 0) throw self.retry({ countdown: 100 });
    },
  );
  const limited = app.task({ name: 'limited', concurrency: { limit: 1 } }, (nth: number) => run('limited', nth));
  try {
    for (let worker = 0; worker < 2; worker += 1) await startWorker(app, { concurrency: 3, drain: 1 });
    const calls = ['a', 'b', 'c'].flatMap((key) =>
      Array.from({ length: 8 }, (_, nth) => [key, nth] as [string, number]),
    );
    const sent = [
      ...(await ordered.delayMany(calls)),
      ...(await limited.delayMany(Array.from({ length: 8 }, (_, nth) => [nth] as [number]))),
    ];
    await Promise.all(sent.map((result) => result.get({ timeout: maxWait * haste })));
    expect(most).toBe(1);
    for (const key of ['a', 'b', 'c'])
      expect(starts.get(key), key).toEqual([...(starts.get(key) ?? [])].sort((x, y) => x - y));
  } finally {
    await app.close();
  }
}
