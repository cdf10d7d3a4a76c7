import type { MaybePromise } from '../../options/schema.ts';
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

/** The innermost step: runs the handler. */
export interface Core {
  run(attempt: Attempt): MaybePromise<AttemptResult>;
}

/** Runs the attempt through those of the list that apply, the first outermost; most attempts meet none, and need no closure. */
export function runThrough(list: readonly Middleware[], attempt: Attempt, core: Core): MaybePromise<AttemptResult> {
  let next: Next | undefined;
  for (let index = list.length - 1; index >= 0; index--) {
    const middleware = list[index] as Middleware;
    if (middleware.applies && !middleware.applies(attempt)) continue;
    const inner = next ?? (async () => core.run(attempt));
    next = () => middleware.run(attempt, inner);
  }
  return next ? next() : core.run(attempt);
}
