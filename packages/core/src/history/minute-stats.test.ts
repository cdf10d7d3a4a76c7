import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bucketOf } from './history-writer.ts';
import { bucketBounds, mergeBuckets, percentile } from './minute-stats.ts';

it.each([
  [0, 0],
  [1, 0],
  [1.5, 1],
  [8, 6],
  [9, 7],
])('puts %d ms into bucket %d', (ms, bucket) => expect(bucketOf(ms)).toBe(bucket));

it('has a bucket for what takes longer than a day', () => {
  expect(bucketOf(1e12)).toBe(bucketBounds.length);
  expect(percentile({ [bucketBounds.length]: 1 }, 0.5)).toBe(bucketBounds.at(-1));
});

it('tells percentiles within a quarter, and never too low', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 70_000_000 }), { minLength: 1, maxLength: 200 }), (all) => {
      const counts: Record<number, number> = {};
      for (const ms of all) counts[bucketOf(ms)] = (counts[bucketOf(ms)] ?? 0) + 1;
      for (const share of [0.5, 0.95, 0.99, 1]) {
        const exact = all.toSorted((a, b) => a - b)[Math.ceil(all.length * share) - 1] as number;
        const info = percentile(counts, share) as number;
        expect(info).toBeGreaterThanOrEqual(exact);
        expect(info).toBeLessThanOrEqual(exact * 1.34 + 1);
      }
    }),
  );
});

it('has no percentile of nothing, and adds counts', () => {
  expect(percentile({}, 0.5)).toBeUndefined();
  expect(mergeBuckets({ 1: 2, 3: 1 }, { 1: 1, 2: 5 })).toEqual({ 1: 3, 2: 5, 3: 1 });
});
