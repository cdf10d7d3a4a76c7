import type { Clock } from '../../clock.ts';
import type { AppendReply, HeaderChange, RunChange, WorkflowStore } from '../../driver/workflow-store.ts';
import type { Logger } from '../../logger.ts';
import { retry } from '../../retry.ts';
import { encodeEntry, type LogEntry, markSign, type OpenMark } from '../log-entry.ts';

/** What a journal needs. */
export interface JournalOptions {
  readonly id: string;
  readonly fence: number;
  /** When the run was made: times in the log count from it. */
  readonly since: number;
  readonly store: WorkflowStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborts when the worker gives up waiting for the store. */
  readonly signal: AbortSignal;
}

/** What is written in one step. */
export interface Write {
  readonly entries?: readonly LogEntry[];
  readonly consumed?: readonly string[];
  /** Keys whose marks go. */
  readonly unmark?: readonly string[];
  readonly header?: HeaderChange;
  readonly ttl?: number;
  readonly clear?: boolean;
  /** Only while the inbox holds nothing newer. */
  readonly seen?: string;
}

/** `given-up`: the worker ends and the store does not answer. */
export type WriteReply = AppendReply | 'pending' | 'given-up';

const pause = { first: 50, longest: 5_000 };

/** Writes to the log of one run, one step after the other. A store that does not answer is asked again: what was done must be recorded. */
export class Journal {
  readonly #options: JournalOptions;
  readonly #marks = new Map<string, OpenMark>();
  #buffered: LogEntry[] = [];
  #under: Promise<unknown> = Promise.resolve();
  #writing = 0;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  get busy(): boolean {
    return this.#writing > 0;
  }

  /** Whether entries wait for the next write. */
  get hasBuffered(): boolean {
    return this.#buffered.length > 0;
  }

  /** Goes with the next write. */
  buffer(entry: LogEntry): void {
    this.#buffered.push(entry);
  }

  /** Goes with the next write. */
  mark(key: string, mark: OpenMark): void {
    this.#marks.set(key, mark);
  }

  /** Writes; also what was buffered and marked. */
  write(write: Write): Promise<WriteReply> {
    this.#writing += 1;
    const done = this.#under.then(() => this.#write(write));
    this.#under = done.finally(() => {
      this.#writing -= 1;
    });
    return done;
  }

  async #write({ entries = [], consumed = [], unmark = [], header, ttl, clear, seen }: Write): Promise<WriteReply> {
    const buffered = this.#buffered;
    const marks = [...this.#marks];
    this.#buffered = [];
    this.#marks.clear();
    const { fence, since } = this.#options;
    const change: RunChange = {
      fence,
      entries: [...buffered, ...entries].map((entry) => [entry.key, encodeEntry(entry, since)]),
      marks: marks.map(([key, mark]) => [markSign + key, JSON.stringify(mark)]),
      drop: unmark.map((key) => markSign + key),
      consumed,
      ...(header ? { header } : {}),
      ...(ttl === undefined ? {} : { ttl }),
      ...(clear ? { clear } : {}),
    };
    const reply = await this.#send(change, seen);
    if (reply === 'pending') {
      this.#buffered = [...buffered, ...this.#buffered];
      for (const [key, mark] of marks) if (!this.#marks.has(key)) this.#marks.set(key, mark);
    }
    return reply;
  }

  async #send(change: RunChange, seen: string | undefined): Promise<WriteReply> {
    const { id, store, clock, logger, signal } = this.#options;
    const onError = (error: unknown, inMs: number): void =>
      logger.warn('could not write to the log of a run, trying again', { taskId: id, error, inMs });
    const append = () => (seen === undefined ? store.append(id, change) : store.park(id, change, seen));
    return (await retry(clock, { ...pause, onError }, signal, append)) ?? 'given-up';
  }
}
