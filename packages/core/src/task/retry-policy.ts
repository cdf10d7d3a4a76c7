import type { ErrorClass } from '../message/failure.ts';
import { pauseAfter } from '../retry.ts';

/** An error class, or a predicate over what was thrown. */
export type ErrorMatcher = ErrorClass | ((error: unknown) => boolean);

/** When and how often a task is retried; resolved options of the task. */
export interface RetryPolicy {
  /** null: no limit. */
  readonly maxRetries: number | null;
  readonly defaultRetryDelay: number;
  readonly autoretryFor: readonly ErrorMatcher[];
  readonly dontAutoretryFor: readonly ErrorMatcher[];
  /** Base of the exponential backoff in milliseconds; false for the fixed default delay. */
  readonly retryBackoff: number | false;
  readonly retryBackoffMax: number;
  readonly retryJitter: boolean;
}

/** Whether an error thrown by the handler asks for a retry by itself; an exclusion wins over an inclusion (as in Celery). */
export function isAutoretried(policy: RetryPolicy, error: unknown): boolean {
  if (policy.autoretryFor.length === 0) return false;
  return matches(policy.autoretryFor, error) && !matches(policy.dontAutoretryFor, error);
}

/** Whether another retry is allowed after `retries` have been spent. */
export function hasRetriesLeft(limit: number | null, retries: number): boolean {
  return limit === null || retries < limit;
}

/**
 * Milliseconds until the next attempt. With backoff: base × 2^retries, capped; full jitter draws from 0 to that
 * (Celery's `get_exponential_backoff_interval`). Without: the task's default delay, unjittered.
 */
export function retryDelay(policy: RetryPolicy, retries: number, random: () => number): number {
  if (policy.retryBackoff === false) return policy.defaultRetryDelay;
  const delay = pauseAfter({ first: policy.retryBackoff, longest: policy.retryBackoffMax }, retries + 1);
  return Math.round(policy.retryJitter ? random() * delay : delay);
}

function matches(matchers: readonly ErrorMatcher[], error: unknown): boolean {
  return matchers.some((matcher) => (isErrorClass(matcher) ? error instanceof matcher : matcher(error) === true));
}

function isErrorClass(matcher: ErrorMatcher): matcher is ErrorClass {
  return matcher === Error || matcher.prototype instanceof Error;
}
