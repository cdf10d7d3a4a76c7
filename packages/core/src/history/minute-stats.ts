/** How many attempts ended how. */
export interface RunCounts {
  readonly succeeded: number;
  readonly failed: number;
  readonly retried: number;
  readonly revoked: number;
}

/** What happened to the attempts of one task in one queue in one minute. */
export interface MinuteStats extends RunCounts {
  /** Whole minutes since the epoch. */
  readonly minute: number;
  readonly task: string;
  readonly queue: string;
  /** How long messages were ready before an attempt began. */
  readonly wait: Buckets;
  /** How long attempts ran. */
  readonly run: Buckets;
  /** The sum of what they ran, in milliseconds. */
  readonly busy: number;
}

/** One minute in milliseconds. */
export const minuteMs = 60_000;

/** The sum of both; the names and the minute are those of the first. */
export function addStats(one: MinuteStats, other: MinuteStats): MinuteStats {
  return {
    ...one,
    succeeded: one.succeeded + other.succeeded,
    failed: one.failed + other.failed,
    retried: one.retried + other.retried,
    revoked: one.revoked + other.revoked,
    wait: mergeBuckets(one.wait, other.wait),
    run: mergeBuckets(one.run, other.run),
    busy: one.busy + other.busy,
  };
}

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
