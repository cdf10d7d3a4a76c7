import type { RedisClient } from './connection.ts';
import { isConnectionError } from './store-errors.ts';

/** Between two tries, in milliseconds: doubling from the first to the longest. */
const firstPause = 100;
const longestPause = 2_000;

/** What a retry is made of. */
export interface SettleRetryParts {
  /** The connection that settles. */
  readonly client: Pick<RedisClient, 'status'>;
  /** How long a lease lasts, in milliseconds. */
  readonly leaseDuration: number;
  /** Milliseconds of the monotonic clock. */
  readonly now: () => number;
}

/**
 * Says how long a settlement that failed is tried again. While Redis is away or does not serve, until it serves: the script that
 * settles then finds out itself whether the lease is still held. A settlement that Redis refuses for another reason (no memory, a key
 * of a wrong type) is tried for as long as a lease lasts, and then left. A fixed number of tries (6 in 6.3 s) ended during a long
 * script or a failed save, and the task ran twice.
 */
export class SettleRetry {
  readonly #parts: SettleRetryParts;
  #pause = firstPause;
  #refusedSince: number | undefined;

  constructor(parts: SettleRetryParts) {
    this.#parts = parts;
  }

  /** The pause before the next try, in milliseconds; undefined: no further try. */
  next(error: unknown): number | undefined {
    const { client, leaseDuration, now } = this.#parts;
    if (client.status === 'end') return undefined; // ended by us
    if (!isConnectionError(error)) {
      this.#refusedSince ??= now();
      if (now() - this.#refusedSince >= leaseDuration) return undefined;
    }
    const pause = this.#pause;
    this.#pause = Math.min(pause * 2, longestPause);
    return pause;
  }
}
