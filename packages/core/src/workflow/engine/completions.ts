import type { LogEntry } from '../log-entry.ts';
import { whenDrained } from './drained.ts';
import type { Journal } from './journal.ts';
import type { Completion, RunEnd } from './request.ts';
import type { RunLog } from './run-log.ts';

/** The engine, as far as its completions know it. */
export interface CompletionOwner {
  readonly now: number;
  readonly log: RunLog;
  readonly journal: Journal;
  readonly over: boolean;
  /** Where the inbox has been read to. */
  readonly seen: string;
  /** The outcome whose turn it is waits for code that has not asked for it. */
  readonly blocked: boolean;
  /** The run leaves this worker at this moment, unless it has to stay. */
  readonly parking: boolean;
  refresh(): Promise<void>;
  pump(): void;
  end(end: RunEnd): void;
}

/** Outcomes on their way into the log. Those of one turn of the event loop are written together. */
export class Completions {
  readonly #owner: CompletionOwner;
  readonly #waiting: Completion[] = [];
  #flushing = false;
  /** An outcome is being stored before others that are there: nothing is handed over meanwhile. */
  inserting = false;

  constructor(owner: CompletionOwner) {
    this.#owner = owner;
  }

  get size(): number {
    return this.#waiting.length;
  }

  get busy(): boolean {
    return this.#flushing;
  }

  add(completion: Completion): void {
    this.#waiting.push(completion);
    this.flush();
  }

  /** Soon. */
  flush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    whenDrained(() => void this.#flush()); // never rejects
  }

  /** Keeps others from writing meanwhile. */
  async exclusively(work: () => Promise<void>): Promise<void> {
    this.#flushing = true;
    await work();
    this.#flushing = false;
    this.#owner.pump();
  }

  /** Stores what has ended: all of it, or the first where older outcomes still wait for code that came after it. */
  async #flush(): Promise<void> {
    const { log, over, parking, blocked } = this.#owner;
    const replaying = log.hasUndelivered;
    if (over || parking || this.#waiting.length === 0 || (replaying && !blocked)) {
      this.#flushing = false;
      return;
    }
    this.inserting = replaying;
    await this.#store(this.#waiting.splice(0, replaying ? 1 : this.#waiting.length), replaying);
    this.inserting = false;
    this.#flushing = false;
    if (this.#waiting.length > 0) this.flush();
    this.#owner.pump();
  }

  async #store(batch: readonly Completion[], replaying: boolean): Promise<void> {
    const { log, journal, seen } = this.#owner;
    const entries = batch.map((completion) => this.#entryOf(completion, replaying));
    const reply = await journal.write({
      entries,
      consumed: batch.flatMap(({ consumed }) => consumed ?? []),
      unmark: batch.flatMap(({ request: { key } }) => (log.mark(key) ? [key] : [])),
      ...(batch.some(({ timedOut }) => timedOut) ? { seen } : {}),
    });
    if (reply === 'pending') await this.#putBack(batch);
    else if (reply === 'done') for (const entry of entries) log.add(entry);
    else this.#owner.end({ kind: reply === 'fenced' ? 'fenced' : 'released' });
  }

  #entryOf({ request, result }: Completion, replaying: boolean): LogEntry {
    const { key, kind, since } = request;
    const { now, log } = this.#owner;
    const place = replaying ? { place: log.delivered } : {};
    return { n: log.number(), key, kind, at: now, took: now - since, ...place, ...result };
  }

  /** Something came into the inbox before a timeout could be stored: it wins. */
  async #putBack(batch: readonly Completion[]): Promise<void> {
    for (const completion of [...batch].reverse()) {
      if (completion.timedOut) completion.request.ended = false;
      else this.#waiting.unshift(completion);
    }
    await this.#owner.refresh();
  }
}
