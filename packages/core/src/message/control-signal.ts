import type { JsonValue } from './json.ts';
import type { Outcome } from './outcome.ts';

/** Control signals: thrown by a handler to steer its own task, never seen by a caller. */

/** What {@link Retry} asks for; every field as in `self.retry()`. */
export interface RetryRequest {
  /** Delay before the next attempt, in milliseconds. */
  readonly delay?: number;
  /** The moment of the next attempt, epoch milliseconds; wins over `delay`. */
  readonly at?: number;
  /** The error that becomes the task's failure when the retries are spent. */
  readonly exc?: unknown;
  /** Overrides the task's limit; `null` removes it. */
  readonly maxRetries?: number | null;
  /** Replaces the arguments of the next attempt. */
  readonly args?: readonly unknown[];
}

/** Thrown by `self.retry()`: run this task again later. */
export class Retry extends Error {
  readonly request: RetryRequest;
  constructor(request: RetryRequest = {}) {
    super('the task asked to be retried', request.exc === undefined ? undefined : { cause: request.exc });
    this.name = 'Retry';
    this.request = request;
  }
}

/** Throw to acknowledge the task and leave its state untouched (Celery's `Ignore`). */
export class Ignore extends Error {
  constructor(message = 'the task asked to be ignored') {
    super(message);
    this.name = 'Ignore';
  }
}

/** Thrown by `self.replace()`: what this canvas comes to is what the task comes to. */
export class Replace extends Error {
  readonly canvas: { readonly shape: object; toJSON(): object };
  constructor(canvas: { readonly shape: object; toJSON(): object }) {
    super('the task asked to be replaced by a canvas');
    this.name = 'Replace';
    this.canvas = canvas;
  }
}

/** Whether this was thrown to steer a task rather than to fail it. */
export function isControlSignal(thrown: unknown): boolean {
  return [Retry, Ignore, Replace, Reject].some((signal) => thrown instanceof signal);
}

/** Throw to refuse the task: back to its queue at once (`requeue: true`, bounded), or to the dead letters and FAILURE. */
export class Reject extends Error {
  readonly requeue: boolean;
  constructor(reason = 'the task was rejected', options: { readonly requeue?: boolean } = {}) {
    super(reason);
    this.name = 'Reject';
    this.requeue = options.requeue ?? false;
  }
}

/** Thrown by what runs a handler in its own way (a workflow): the task ended like this. */
export class Concluded extends Error {
  readonly outcome: Outcome;
  constructor(outcome: Outcome) {
    super('the task has ended');
    this.name = 'Concluded';
    this.outcome = outcome;
  }
}

/** Thrown by the same: the message waits in the broker until `at` (epoch ms by the broker's clock), unspent. */
export class Postpone extends Error {
  readonly at: number;
  /** The arguments from then on. */
  readonly args: readonly JsonValue[] | undefined;
  constructor(at: number, args?: readonly JsonValue[]) {
    super('the task waits in the broker');
    this.name = 'Postpone';
    this.at = at;
    this.args = args;
  }
}
