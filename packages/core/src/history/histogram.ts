/**
 * Upper bounds of the buckets in milliseconds: each is about a fifth above the one before (R20 of ISO 3, two of three), so that a
 * percentile is off by a tenth at most. What took longer than the last is in a bucket of its own.
 */
export const bucketBounds: readonly number[] = createBounds();

function createBounds(): readonly number[] {
  const bounds = [1, 2, 3, 4, 5, 6, 8];
  for (let bound = 10; bound < 86_400_000; bound = Math.ceil(bound * 1.25)) bounds.push(bound);
  return bounds;
}

/** Counts by bucket: the index in {@link bucketBounds} and how many. */
export type Buckets = Readonly<Record<number, number>>;

/** The bucket of a duration in milliseconds. */
export function bucketOf(ms: number): number {
  let low = 0;
  let high = bucketBounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bucketBounds[middle] as number) >= ms) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The duration in milliseconds that the given share of the counted ones did not exceed; undefined when there are none. */
export function percentile(buckets: Buckets, share: number): number | undefined {
  const found = Object.entries(buckets).map(([index, count]) => [Number(index), count] as const);
  const total = found.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return undefined;
  let left = Math.ceil(total * share);
  for (const [index, count] of found.sort(([a], [b]) => a - b)) {
    left -= count;
    if (left <= 0) return bucketBounds[index] ?? (bucketBounds.at(-1) as number);
  }
  return bucketBounds.at(-1);
}

/** The counts of both. */
export function mergeBuckets(one: Buckets, other: Buckets): Buckets {
  const merged: Record<number, number> = { ...one };
  for (const [index, count] of Object.entries(other)) merged[Number(index)] = (merged[Number(index)] ?? 0) + count;
  return merged;
}
