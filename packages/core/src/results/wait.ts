import type { Clock, Timer } from '../clock.ts';
import { isFinal, type OutcomeRecord } from '../task/outcome.ts';
import type { ResultInbox, ResultListener, Watched } from './result-inbox.ts';

/** A wait that can be given up. */
export interface Waiting {
  readonly record: Promise<OutcomeRecord>;
  cancel(): void;
}

/** What ends a wait beside the record. */
export interface WaitLimits {
  /** Milliseconds. */
  readonly timeout: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly late: (timeout: number) => Error;
  readonly missing: () => Error;
}

/** One wait for a task's final record. A class, since thousands may be open: closures would cost several objects each. */
export class Wait implements Waiting, ResultListener {
  readonly record: Promise<OutcomeRecord>;
  readonly #inbox: ResultInbox;
  readonly #task: Watched;
  readonly #limits: WaitLimits;
  #resolve: (record: OutcomeRecord) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  readonly #timer: Timer | undefined;

  constructor(task: Watched, inbox: ResultInbox, limits: WaitLimits, clock: Clock) {
    this.#inbox = inbox;
    this.#task = task;
    this.#limits = limits;
    this.record = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { timeout, signal } = limits;
    inbox.watch(task, this);
    if (timeout !== undefined) this.#timer = clock.after(timeout, () => this.#fail(limits.late(timeout)));
    signal?.addEventListener('abort', this, { once: true });
  }

  onRecord(record: OutcomeRecord): void {
    if (!isFinal(record)) return;
    this.cancel();
    this.#resolve(record);
  }

  onMissing(): void {
    this.#fail(this.#limits.missing());
  }

  /** The signal's listener. */
  handleEvent(): void {
    this.#fail(this.#limits.signal?.reason);
  }

  cancel(): void {
    this.#inbox.unwatch(this.#task.id, this);
    this.#timer?.cancel();
    this.#limits.signal?.removeEventListener('abort', this);
  }

  #fail(reason: unknown): void {
    this.cancel();
    this.#reject(reason);
  }
}
