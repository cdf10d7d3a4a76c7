import type { ErrorClass } from '../message/failure.ts';
import { type Duration, parseDuration } from '../options/duration.ts';
import { pauseAfter } from '../retry.ts';

/** An error class, or a predicate over what was thrown. */
export type ErrorMatcher = ErrorClass | ((error: unknown) => boolean);

/**
 * Says how long to wait before the next attempt: `retries` counts from 1, `error` is what was thrown. At most
 * `retryBackoffMax` is waited. Where it throws, or returns no duration, `defaultRetryDelay` is waited.
 */
export type BackoffFunction = (retries: number, error: unknown) => Duration;

/** When and how often a task is retried; resolved options of the task. */
export interface RetryPolicy {
  /** null: no limit. */
  readonly maxRetries: number | null;
  readonly defaultRetryDelay: number;
  readonly autoretryFor: readonly ErrorMatcher[];
  readonly dontAutoretryFor: readonly ErrorMatcher[];
  /** Base of the exponential backoff in milliseconds, or what says the wait; false for the fixed default delay. */
  readonly retryBackoff: number | false | BackoffFunction;
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
export function retryDelay(
  policy: RetryPolicy,
  { retries, error }: { readonly retries: number; readonly error?: unknown },
  random: () => number,
): number {
  if (policy.retryBackoff === false) return policy.defaultRetryDelay;
  if (typeof policy.retryBackoff === 'function') return ownDelay(policy, policy.retryBackoff, [retries + 1, error]);
  const delay = pauseAfter({ first: policy.retryBackoff, longest: policy.retryBackoffMax }, retries + 1);
  return Math.round(policy.retryJitter ? random() * delay : delay);
}

/** A fault in it must not cost the task its retry. */
function ownDelay(policy: RetryPolicy, backoff: BackoffFunction, given: Parameters<BackoffFunction>): number {
  try {
    return Math.min(parseDuration(backoff(...given), 'retryBackoff'), policy.retryBackoffMax);
  } catch {
    return policy.defaultRetryDelay;
  }
}

function matches(matchers: readonly ErrorMatcher[], error: unknown): boolean {
  return matchers.some((matcher) => (isErrorClass(matcher) ? error instanceof matcher : matcher(error) === true));
}

function isErrorClass(matcher: ErrorMatcher): matcher is ErrorClass {
  return matcher === Error || matcher.prototype instanceof Error;
}
