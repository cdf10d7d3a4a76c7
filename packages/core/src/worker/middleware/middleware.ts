import type { Attempt } from '../execution/attempt.ts';
import type { AttemptResult } from '../execution/attempt-result.ts';

/** Goes on with the attempt. */
export type Next = () => Promise<AttemptResult>;

/**
 * Wraps an attempt: must call `next` once or answer in its place, and may change the result. To watch without changing,
 * listen to events instead.
 */
export interface Middleware {
  readonly name: string;
  /** False leaves this attempt alone, at the cost of one comparison. @default always */
  applies?(attempt: Attempt): boolean;
  run(attempt: Attempt, next: Next): Promise<AttemptResult>;
}
