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

/** Where a wait listens. */
export interface WaitContext {
  readonly inbox: ResultInbox;
  readonly clock: Clock;
}

/** What ends a wait beside the record. */
export interface WaitLimits {
  /** Milliseconds. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

type Resolve = (value: unknown) => void;
const noResolve: Resolve = () => {};

/**
 * One wait for a task's final record, or for what `read` makes of it. A class, since thousands may be open: closures would cost several
 * objects each, a promise that follows another one three, and the executor's `reject` one.
 */
export class Wait<T = OutcomeRecord> implements ResultListener {
  readonly record: Promise<T>;
  readonly #task: Watched;
  readonly #inbox: ResultInbox;
  readonly #read: ((record: OutcomeRecord) => unknown) | undefined;
  #resolve = noResolve;
  readonly #timer: Timer | undefined;
  readonly #forgetSignal: (() => void) | undefined;
  #over = false;

  constructor(
    task: Watched,
    { inbox, clock }: WaitContext,
    { timeout, signal }: WaitLimits,
    read?: (record: OutcomeRecord) => T | PromiseLike<T>,
  ) {
    this.#task = task;
    this.#inbox = inbox;
    this.#read = read;
    this.record = new Promise<T>((resolve) => {
      this.#resolve = resolve as Resolve; // of T where there is `read`, else of a record
    });
    inbox.watch(task, this);
    if (this.#over) return; // the ring came before the wait
    if (timeout !== undefined) this.#timer = clock.after(timeout, () => this.#fail(this.#late(timeout)));
    if (signal) this.#forgetSignal = onAbort(signal, () => this.#fail(signal.reason));
  }

  onRecord(record: OutcomeRecord): void {
    if (!isFinal(record)) return;
    this.#end();
    if (this.#read === undefined) return this.#resolve(record);
    try {
      this.#resolve(this.#read(record));
    } catch (error) {
      this.#resolve(Promise.reject(error));
    }
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
    this.#inbox.unwatch(this.#task.id, this);
  }

  #end(): void {
    this.#over = true;
    this.#timer?.cancel();
    this.#forgetSignal?.();
  }

  #fail(reason: unknown): void {
    this.cancel();
    this.#resolve(Promise.reject(reason));
  }

  #late(timeout: number): ResultTimeoutError {
    const { lastError } = this.#inbox;
    const fate = this.#task.hasDeadline
      ? ' (after its deadline it is not started, or it is aborted)'
      : ' (the task goes on)';
    const detail = lastError ? `: the result store cannot be read (${lastError.message})` : fate;
    return new ResultTimeoutError(this.#task.id, timeout, detail);
  }
}
