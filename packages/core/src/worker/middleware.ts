import type { Attempt } from './attempt.ts';
import type { AttemptResult } from './attempt-result.ts';

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

/** Runs the attempt through those of the list that apply, the first outermost. */
export function runThrough(list: readonly Middleware[], attempt: Attempt, core: Next): Promise<AttemptResult> {
  let next = core;
  for (let index = list.length - 1; index >= 0; index--) {
    const middleware = list[index] as Middleware;
    if (middleware.applies && !middleware.applies(attempt)) continue;
    const inner = next;
    next = () => middleware.run(attempt, inner);
  }
  return next();
}
