import type { MaybePromise } from '../../task/schema.ts';
import type { Attempt } from '../attempt.ts';
import type { AttemptResult } from '../attempt-result.ts';
import type { Pool } from './pool.ts';

/**
 * Handlers on the worker's own event loop. JavaScript cannot be stopped from outside: an attempt that is broken off frees its
 * slot at once, and what its handler still does has no effect on the task.
 */
export class AsyncPool implements Pool {
  readonly #handle: (attempt: Attempt) => MaybePromise<AttemptResult>;

  /** `handle` runs the handler and never throws or rejects. */
  constructor(handle: (attempt: Attempt) => MaybePromise<AttemptResult>) {
    this.#handle = handle;
  }

  run(attempt: Attempt): MaybePromise<AttemptResult> {
    const result = this.#handle(attempt);
    if (!(result instanceof Promise)) return result;
    return new Promise((resolve) => {
      attempt.context.onBreakOff(resolve);
      void result.then(resolve); // never rejects
    });
  }

  setSize(): void {}

  async close(): Promise<void> {}
}
