import type { MaybePromise } from '../../options/schema.ts';
import type { Attempt } from '../execution/attempt.ts';
import type { AttemptResult } from '../execution/attempt-result.ts';
import type { LoopWatch } from '../loop/loop-watch.ts';
import type { Pool } from './pool.ts';

/**
 * Handlers on the worker's own event loop. JavaScript cannot be stopped from outside: an attempt that is broken off frees its
 * slot at once, and what its handler still does has no effect on the task.
 */
export class AsyncPool implements Pool {
  readonly #handle: (attempt: Attempt) => MaybePromise<AttemptResult>;
  readonly #loop: Pick<LoopWatch, 'enter' | 'leave'>;

  /** `handle` runs the handler and never throws or rejects; `loop` is told whose turn it is. */
  constructor(handle: (attempt: Attempt) => MaybePromise<AttemptResult>, loop: Pick<LoopWatch, 'enter' | 'leave'>) {
    this.#handle = handle;
    this.#loop = loop;
  }

  run(attempt: Attempt): MaybePromise<AttemptResult> {
    attempt.onBegin?.();
    this.#loop.enter(attempt.message, attempt.context.limitSlot);
    const result = this.#handle(attempt);
    this.#loop.leave();
    if (!(result instanceof Promise)) return result;
    return new Promise((resolve) => {
      attempt.context.onInterrupt(resolve);
      void result.then(resolve); // never rejects
    });
  }

  setSize(): void {}

  async close(): Promise<void> {}
}
