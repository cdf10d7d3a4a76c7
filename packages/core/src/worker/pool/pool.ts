import type { MaybePromise } from '../../options/schema.ts';
import type { Attempt } from '../execution/attempt.ts';
import type { AttemptResult } from '../execution/attempt-result.ts';

/** Where handlers run. */
export const poolKinds = ['async', 'threads', 'processes'] as const;
export type PoolKind = (typeof poolKinds)[number];

/** Runs the handlers of attempts. */
export interface Pool {
  /**
   * Runs one attempt's handler; never rejects. An attempt that is broken off (`context.onInterrupt`) resolves with the result
   * it was given, and only when its handler cannot overlap with the next attempt any more, where the pool can see to that.
   */
  run(attempt: Attempt): MaybePromise<AttemptResult>;
  /** How many handlers it may be asked to run at once. */
  setSize(size: number): void;
  /** Ends everything it started, hard; what runs there ends RELEASED. */
  close(): Promise<void>;
}
