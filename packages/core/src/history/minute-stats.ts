import { type Buckets, mergeBuckets } from './histogram.ts';

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
