import type { RetryRule } from '@lovage/core/driver';
import type { RedisClient } from './connection.ts';
import { isConnectionError } from './store-errors.ts';

/** Between two tries, in milliseconds. */
const pauses = { first: 100, longest: 2_000 };

/** What says how long a settlement is tried again. */
export interface SettleRuleParts {
  /** The connection that settles. */
  readonly client: Pick<RedisClient, 'status'>;
  /** How long a lease lasts, in milliseconds. */
  readonly leaseDuration: number;
  /** Milliseconds of the monotonic clock. */
  readonly now: () => number;
  readonly onError: (error: Error) => void;
}

/**
 * How long a settlement that failed is tried again. While Redis is away or does not serve, until it serves: the script that
 * settles then finds out itself whether the lease is still held. A settlement that Redis refuses for another reason (no memory, a key
 * of a wrong type) is tried for as long as a lease lasts; then the tries reject with its error. A fixed number of tries (6 in 6.3 s)
 * ended during a long script or a failed save, and the task ran twice.
 */
export function settleRule({ client, leaseDuration, now, onError }: SettleRuleParts): RetryRule {
  let refusedSince: number | undefined;
  return {
    ...pauses,
    onError: (error) => {
      onError(error instanceof Error ? error : new Error(String(error)));
      if (client.status === 'end') throw error; // ended by us
      if (isConnectionError(error instanceof Error ? (error.cause ?? error) : error)) return;
      refusedSince ??= now();
      if (now() - refusedSince >= leaseDuration) throw error;
    },
  };
}
