/** What a worker has measured of one queue since it started. Times in milliseconds. */
export interface QueueLoad {
  /** Attempts that have ended. */
  readonly ended: number;
  /** How long they held their slots, together; and the sum of the squares, from which the spread follows. */
  readonly busy: number;
  readonly busySquares: number;
  /** How long they had waited since they could have run, together. */
  readonly waited: number;
  /** How many waited how long: see {@link waitBucket}. */
  readonly waits: readonly number[];
}

/** Each bucket ends 2^(1/8) above the one before: a wait is known to within 9 %. */
const perOctave = 8;

/** The bucket of a wait: 0 below a millisecond. */
export function waitBucket(ms: number): number {
  return ms < 1 ? 0 : Math.floor(Math.log2(ms) * perOctave) + 1;
}

/** The wait in the middle of a bucket. */
export function waitOfBucket(bucket: number): number {
  return bucket === 0 ? 0.5 : 2 ** ((bucket - 0.5) / perOctave);
}
