import type { Clock, Timer } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { HistoryStore } from './history-store.ts';
import { addStats, bucketBounds, type MinuteStats, minuteMs } from './minute-stats.ts';
import type { FailureEntry, RunRow, RunState } from './run-row.ts';

/** Rows of one batch: what one call of the store writes, and about a tenth of a millisecond of Redis. */
const fullBatch = 128;
/** How long a row of a success may wait for others, in milliseconds. Others leave in the turn in which they come. */
const longestWait = 100;
/** How often minutes are handed over, in milliseconds. */
const minuteInterval = 1_000;
/** Pairs of task and queue that a worker keeps statistics of; what is over counts as `(other)`, so that names cannot fill a store. */
const mostNames = 500;

interface Minute {
  readonly minute: number;
  readonly task: string;
  readonly queue: string;
  readonly counts: Record<RunState, number>;
  readonly wait: Record<number, number>;
  readonly run: Record<number, number>;
  busy: number;
}

/** An attempt, as far as statistics go. */
export interface Measured {
  readonly task: string;
  readonly queue: string;
  readonly state: RunState;
  readonly at: number;
  readonly wait: number;
  readonly run: number;
}

/** What a writer is made of. */
export interface HistoryWriterOptions {
  readonly store: HistoryStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Collects what a worker has to tell and hands it over in batches. Failures leave in the event-loop turn that stores their
 * outcome; successes at the latest 100 ms after it. History is news, not truth: a store that refuses is logged once a minute and
 * never touches a task.
 */
export class HistoryWriter {
  readonly #options: HistoryWriterOptions;
  #rows: RunRow[] = [];
  #failures: FailureEntry[] = [];
  #minutes = new Map<string, Map<string, Minute>>();
  #names = 0;
  #totals: Map<string, MinuteStats> | undefined;
  #last: Minute | undefined;
  #timer: Timer | undefined;
  #minuteTimer: Timer | undefined;
  #soon = false;
  #sending: Promise<void> = Promise.resolve();
  #complained = Number.NEGATIVE_INFINITY;

  constructor(options: HistoryWriterOptions) {
    this.#options = options;
  }

  /** Adds a row, and the failure that can be run again where it is one. */
  add(row: RunRow, failure?: FailureEntry): void {
    this.#rows.push(row);
    if (failure) this.#failures.push(failure);
    if (this.#rows.length >= fullBatch) this.#send();
    else if (row.state === 'SUCCESS')
      this.#timer ??= this.#options.clock.after(longestWait, () => this.#send(), { background: true });
    else this.#sendSoon();
  }

  /** Counts an attempt: two additions and two lookups. */
  measure({ task, queue, state, at, wait, run }: Measured): void {
    const minute = Math.floor(at / minuteMs);
    let stats = this.#last;
    if (stats?.task !== task || stats.queue !== queue || stats.minute !== minute) {
      stats = this.#minuteOf(task, queue, minute);
      this.#last = stats;
    }
    stats.counts[state] += 1;
    stats.busy += run;
    const [waited, ran] = [bucketOf(wait), bucketOf(run)];
    stats.wait[waited] = (stats.wait[waited] ?? 0) + 1;
    stats.run[ran] = (stats.run[ran] ?? 0) + 1;
    this.#minuteTimer ??= this.#options.clock.after(minuteInterval, () => this.#send(), { background: true });
  }

  /** What was measured since the first call, by task and queue: numbers that only grow. Kept from then on, at a cost once a second. */
  totals(): readonly MinuteStats[] {
    this.#totals ??= new Map();
    this.#send();
    return [...this.#totals.values()];
  }

  #addTotals(totals: Map<string, MinuteStats>, minutes: readonly MinuteStats[]): void {
    for (const stats of minutes) {
      const key = JSON.stringify([stats.task, stats.queue]);
      const there = totals.get(key);
      if (there) totals.set(key, addStats(there, stats));
      else if (totals.size < mostNames || stats.task === '(other)') totals.set(key, stats);
      else this.#addTotals(totals, [{ ...stats, task: '(other)' }]);
    }
  }

  /** Hands over what is there. Never rejects. */
  flush(): Promise<void> {
    this.#send();
    return this.#sending;
  }

  #minuteOf(task: string, queue: string, minute: number): Minute {
    const ofQueue = this.#minutes.get(queue) ?? new Map<string, Minute>();
    this.#minutes.set(queue, ofQueue);
    const known = ofQueue.get(task);
    if (known?.minute === minute) return known;
    if (known === undefined && this.#names >= mostNames && task !== '(other)')
      return this.#minuteOf('(other)', queue, minute);
    if (known) this.#send(); // of the minute before
    const stats: Minute = { minute, task, queue, counts: noCounts(), wait: {}, run: {}, busy: 0 };
    const current = this.#minutes.get(queue) ?? new Map<string, Minute>();
    this.#minutes.set(queue, current.set(task, stats));
    this.#names += 1;
    return stats;
  }

  #sendSoon(): void {
    if (this.#soon) return;
    this.#soon = true;
    setImmediate(() => this.#send());
  }

  #send(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#soon = false;
    this.#minuteTimer?.cancel();
    this.#minuteTimer = undefined;
    const minutes = [...this.#minutes.values()].flatMap((tasks) => [...tasks.values()].map(toStats));
    if (this.#totals) this.#addTotals(this.#totals, minutes);
    const batch = { rows: this.#rows, failures: this.#failures, minutes };
    if (batch.rows.length + minutes.length === 0) return;
    [this.#rows, this.#failures, this.#minutes, this.#names, this.#last] = [[], [], new Map(), 0, undefined];
    const sending = this.#options.store.append(batch).catch((error: unknown) => this.#complain(error));
    this.#sending = Promise.all([this.#sending, sending]).then(() => undefined);
  }

  #complain(error: unknown): void {
    const now = this.#options.clock.monotonic();
    if (now - this.#complained < minuteMs) return;
    this.#complained = now;
    this.#options.logger.warn('could not write history; tasks are not affected', { error });
  }
}

function noCounts(): Record<RunState, number> {
  return { SUCCESS: 0, FAILURE: 0, RETRY: 0, REVOKED: 0 };
}

function toStats({ counts, busy, ...stats }: Minute): MinuteStats {
  const { SUCCESS: succeeded, FAILURE: failed, RETRY: retried, REVOKED: revoked } = counts;
  return { ...stats, busy: Math.round(busy), succeeded, failed, retried, revoked };
}

/** The bucket of a duration in milliseconds. */
export function bucketOf(ms: number): number {
  let low = 0;
  let high = bucketBounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bucketBounds[middle] as number) >= ms) high = middle;
    else low = middle + 1;
  }
  return low;
}
