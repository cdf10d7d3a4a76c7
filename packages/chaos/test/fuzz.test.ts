// 2,000 mutations a driver in the suite; `npm run chaos -- fuzz` does 100,000 of each kind.
import { afterAll, expect, it } from 'vitest';
import { fuzz } from '../src/fuzz/fuzz.ts';
import { FuzzBench } from '../src/fuzz/fuzz-bench.ts';
import { endChildren } from '../src/processes/children.ts';

afterAll(endChildren);

const cases = [
  ['redis', 'redis', 1_000],
  ['bus', 'redis', 500],
  ['pool', 'redis', 500],
  ['redis', 'redis+streams', 1_000],
  ['bus', 'redis+streams', 500],
  ['pool', 'redis+streams', 500],
] as const;

it.each(cases)(
  '%s on %s: %i mutations stop nothing but themselves',
  { timeout: 90_000 },
  async (target, driver, count) => {
    const seed = driver === 'redis' ? 1 : 2; // of the pools: processes, threads
    const { defects, families, mutations } = await fuzz({ target, driver, seed, count });
    expect(defects).toEqual([]);
    expect(mutations).toBe(count);
    expect(families).toBeGreaterThan(target === 'redis' ? 40 : 5);
  },
);

it('sees a worker that has ended, and one that works again', { timeout: 90_000 }, async () => {
  const bench = await FuzzBench.start({ driver: 'redis+streams' });
  try {
    expect(await bench.goodTasks()).toBeUndefined();
    await bench.stopWorker();
    expect(await bench.goodTasks()).toBe('the worker has ended');
    await bench.startWorker();
    expect(await bench.goodTasks()).toBeUndefined();
    expect(await bench.beatGoesOn()).toBeUndefined();
  } finally {
    await bench.close();
  }
});
