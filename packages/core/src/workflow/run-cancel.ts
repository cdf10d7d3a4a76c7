import type { Timer } from '../clock.ts';
import { WorkflowCancelledError, WorkflowTimeoutError } from '../errors.ts';
import { childRunId } from './engine/child-run-id.ts';
import type { EngineOptions } from './engine/engine-options.ts';
import type { Journal } from './engine/journal.ts';
import type { Request, RunEnd } from './engine/request.ts';
import type { RunLog } from './engine/run-log.ts';
import type { LogEntry } from './log-entry.ts';

/** The engine, as far as its cancel knows it. */
export interface CancelOwner {
  readonly id: string;
  readonly now: number;
  readonly log: RunLog;
  readonly journal: Journal;
  readonly options: EngineOptions;
  readonly requests: Iterable<Request>;
  readonly compensating: boolean;
  readonly over: boolean;
  abort(reason: Error): void;
  pump(): void;
  end(end: RunEnd): void;
}

interface SeenCancel {
  readonly error: Error;
  readonly timedOut: boolean;
  readonly item?: string;
}

/** The key of the entry that says that a run was cancelled. No name begins so. */
export const cancelKey = '~cancel';

/**
 * Whether a run is cancelled, or its time is over. The signal aborts when that is seen; what runs may end, and is stored; then
 * the cancel is stored, and everything that the code waits for fails at that place of the log, in each replay too.
 */
export class RunCancel {
  readonly #owner: CancelOwner;
  readonly #deadline: number | undefined;
  #seen: SeenCancel | undefined;
  #timer: Timer | undefined;
  /** The code has been told. */
  delivered = false;

  constructor(owner: CancelOwner) {
    const { taken, limits } = owner.options;
    this.#owner = owner;
    this.#deadline = limits.timeout === undefined ? undefined : taken.header.createdAt + limits.timeout;
    const stored = owner.log.entry(cancelKey);
    if (stored) this.#see({ error: this.#errorOf(stored), timedOut: stored.value === true });
  }

  /** It was seen, and nothing new begins. */
  get seen(): boolean {
    return this.#seen !== undefined;
  }

  get error(): Error | undefined {
    return this.#seen?.error;
  }

  /** Why the run ends REVOKED; undefined where its time was over: then it has failed. */
  get reason(): string | undefined {
    const error = this.#seen?.error;
    return error instanceof WorkflowCancelledError ? error.reason : undefined;
  }

  /** When the run's time is over. */
  get deadline(): number {
    return this.#deadline ?? Number.POSITIVE_INFINITY;
  }

  /** Somebody asks for it; `item` is where it lies in the inbox. */
  request(reason: string, item: string): void {
    if (this.#seen || this.#owner.compensating) return;
    this.#see({ error: new WorkflowCancelledError(this.#owner.id, reason), timedOut: false, item });
    this.#owner.pump();
  }

  /** Watches the time of the run. */
  arm(): void {
    if (this.#deadline === undefined || this.#seen) return;
    const { options, now } = this.#owner;
    const left = this.#deadline - now;
    if (left <= 0) this.#late();
    else this.#timer = options.clock.after(left, () => this.#late(), { background: true });
  }

  disarm(): void {
    this.#timer?.cancel();
  }

  /** Stores it, what the run waits for cancelled before: after a crash that is done again. */
  async store(): Promise<void> {
    const cancel = this.#seen;
    if (cancel === undefined) return;
    const { log, journal, now } = this.#owner;
    await this.#cancelChildren();
    const value = cancel.timedOut || (this.reason ?? 'cancelled');
    const entry: LogEntry = { n: log.number(), key: cancelKey, kind: 'cancel', at: now, took: 0, value };
    const reply = await journal.write({ entries: [entry], consumed: cancel.item ? [cancel.item] : [] });
    if (reply === 'done') log.add(entry);
    else this.#owner.end({ kind: reply === 'fenced' ? 'fenced' : 'released' });
  }

  /** Everything that the code waits for fails; so does what it asks for from now on, but for compensations. */
  deliver(entry: LogEntry): void {
    this.#owner.log.advance(entry);
    this.delivered = true;
    for (const request of this.#owner.requests) {
      if (request.delivered) continue;
      Object.assign(request, { ended: true, delivered: true, wait: undefined });
      request.open.reject(this.error);
    }
  }

  async #cancelChildren(): Promise<void> {
    const { id, log, options, requests } = this.#owner;
    for (const { key, kind, delivered } of requests) {
      if (delivered || !log.mark(key)?.sent) continue;
      const child = childRunId(id, key);
      await options.cancelChild(kind, child).catch((error: unknown) => {
        options.logger.warn('could not cancel what a cancelled run waits for', { taskId: id, child, error });
      });
    }
  }

  #late(): void {
    if (this.#seen || this.#owner.compensating || this.#owner.over) return;
    this.#see({ error: this.#errorOf({ value: true }), timedOut: true });
    this.#owner.pump();
  }

  #see(cancel: SeenCancel): void {
    this.#seen = cancel;
    this.#owner.abort(cancel.error);
  }

  #errorOf({ value }: Pick<LogEntry, 'value'>): Error {
    const { id, options } = this.#owner;
    if (value === true) return new WorkflowTimeoutError(id, options.limits.timeout ?? 0);
    return new WorkflowCancelledError(id, typeof value === 'string' ? value : 'cancelled');
  }
}
