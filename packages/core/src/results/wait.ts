import { onAbort } from '../abort-signal.ts';
import type { Clock, Timer } from '../clock.ts';
import { ClosedError, ResultExpiredError, ResultTimeoutError } from '../errors.ts';
import { isFinal, type OutcomeRecord } from '../message/outcome.ts';
import type { ResultInbox, ResultListener, Watched } from './result-inbox.ts';

/** A wait that can be given up. */
export interface Waiting {
  readonly record: Promise<OutcomeRecord>;
  cancel(): void;
}

/** Where a wait listens, and what ends it beside the record. */
export interface WaitOptions {
  readonly inbox: ResultInbox;
  readonly clock: Clock;
  /** Milliseconds. */
  readonly timeout: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** One wait for a task's final record. A class, since thousands may be open: closures would cost several objects each. */
export class Wait implements Waiting, ResultListener {
  readonly record: Promise<OutcomeRecord>;
  readonly #task: Watched;
  readonly #options: WaitOptions;
  #resolve: (record: OutcomeRecord) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  readonly #timer: Timer | undefined;
  readonly #forgetSignal: (() => void) | undefined;
  #over = false;

  constructor(task: Watched, options: WaitOptions) {
    this.#task = task;
    this.#options = options;
    this.record = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { inbox, clock, timeout, signal } = options;
    inbox.watch(task, this);
    if (this.#over) return; // the ring came before the wait
    if (timeout !== undefined) this.#timer = clock.after(timeout, () => this.#fail(this.#late(timeout)));
    if (signal) this.#forgetSignal = onAbort(signal, () => this.#fail(signal.reason));
  }

  onRecord(record: OutcomeRecord): void {
    if (!isFinal(record)) return;
    this.#end();
    this.#resolve(record);
  }

  onMissing(): void {
    this.#fail(new ResultExpiredError(this.#task.id));
  }

  /** Nothing would ever end the wait, and its timer would keep the process. */
  onClosed(): void {
    this.#fail(new ClosedError('the app', `task ${this.#task.id} was still awaited (the task goes on)`));
  }

  cancel(): void {
    if (this.#over) return;
    this.#end();
    this.#options.inbox.unwatch(this.#task.id, this);
  }

  #end(): void {
    this.#over = true;
    this.#timer?.cancel();
    this.#forgetSignal?.();
  }

  #fail(reason: unknown): void {
    this.cancel();
    this.#reject(reason);
  }

  #late(timeout: number): ResultTimeoutError {
    const { lastError } = this.#options.inbox;
    const fate = this.#task.hasDeadline
      ? ' (after its deadline it is not started, or it is aborted)'
      : ' (the task goes on)';
    const detail = lastError ? `: the result store cannot be read (${lastError.message})` : fate;
    return new ResultTimeoutError(this.#task.id, timeout, detail);
  }
}
