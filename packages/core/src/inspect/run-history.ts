import type { Lovage } from '../app/app.ts';
import { runtimeOf } from '../app/app-runtime.ts';
import { ConfigurationError } from '../errors.ts';
import type { AuditEntry, HistoryStore, RunRowPage } from '../history/history-store.ts';
import { addStats, type MinuteStats, minuteMs, percentile, type RunCounts } from '../history/minute-stats.ts';
import type { RunKind, RunRow, RunState } from '../history/run-row.ts';
import { compilePattern } from '../task/route.ts';

/** Rows of one stream read at once, and rows read for one page at most: a filter that fits few rows goes on at the cursor. */
const chunk = 500;
const mostRead = 20_000;

/** Which attempts are meant: every field narrows, none means all. */
export interface RunFilter {
  /** One of these. */
  readonly states?: readonly RunState[];
  /** A task's name, or a glob such as `'mail.*'`. */
  readonly task?: string;
  readonly queue?: string;
  readonly worker?: string;
  /** With this tag, or stamp as `name=value`; or a glob. */
  readonly tag?: string;
  /** The name of the error, or a glob. */
  readonly error?: string;
  /** The id of the task. */
  readonly id?: string;
  /** Ended at or after this moment, epoch ms. */
  readonly from?: number;
  /** Ended before this moment, epoch ms. */
  readonly to?: number;
}

/** One page of attempts, the latest first. */
export interface RunPage {
  readonly runs: readonly RunRow[];
  /** Where the next page begins; absent with the last one. A page may be short, or empty, and still have one. */
  readonly cursor?: string;
  /** How many rows were read for this page. */
  readonly read: number;
}

/** What happened in one minute. Times in milliseconds. */
export interface MinuteCounts extends RunCounts {
  /** When the minute began, epoch ms. */
  readonly at: number;
  readonly waitP95: number | undefined;
  readonly runP50: number | undefined;
  readonly runP95: number | undefined;
}

/** What the history has of attempts, minutes, and of what people did. */
export class RunHistory {
  readonly #app: Lovage;

  constructor(app: Lovage) {
    this.#app = app;
  }

  /**
   * Attempts that fit, the latest first, page by page. It reads 20,000 rows a page at most. Empty where no history is kept. Throws
   * {@link ConfigurationError} for a cursor that is none.
   */
  async list(
    filter: RunFilter = {},
    { limit = 50, cursor }: { readonly limit?: number; readonly cursor?: string } = {},
  ): Promise<RunPage> {
    const history = await this.#history();
    if (history === undefined) return { runs: [], read: 0 };
    if (filter.id !== undefined) {
      const rows = await history.attempts(filter.id);
      const runs = rows.filter(compileRunFilter(filter)).reverse();
      if (runs.length > 0) return { runs: runs.slice(0, limit), read: rows.length };
    }
    const reader = new MergedRows(history, kindsOf(filter), readCursor(cursor));
    const fits = compileRunFilter(filter);
    const runs: RunRow[] = [];
    let ended = false;
    while (runs.length < limit && reader.read < mostRead) {
      const row = await reader.next();
      if (row === undefined || row.at < (filter.from ?? 0)) {
        ended = true;
        break;
      }
      if (fits(row)) runs.push(row);
    }
    return { runs, read: reader.read, ...(ended ? {} : { cursor: reader.cursor }) };
  }

  /** The attempts of one task, the oldest first, as far as they are kept: a first success is not found this way. */
  async attempts(id: string): Promise<readonly RunRow[]> {
    return (await (await this.#history())?.attempts(id)) ?? [];
  }

  /** Each of the last minutes, the oldest first, of all tasks or some. Minutes without attempts are among them. */
  async minutes(
    count: number,
    { task, queue }: { readonly task?: string; readonly queue?: string } = {},
  ): Promise<readonly MinuteCounts[]> {
    const last = Math.floor(runtimeOf(this.#app).clock.now() / minuteMs);
    const first = last - count + 1;
    const sums = new Map<number, MinuteStats>();
    for (const stats of (await (await this.#history())?.minutes(first, last)) ?? []) {
      if ((task !== undefined && stats.task !== task) || (queue !== undefined && stats.queue !== queue)) continue;
      const there = sums.get(stats.minute);
      sums.set(stats.minute, there ? addStats(there, stats) : stats);
    }
    return Array.from({ length: count }, (_, index) => toMinute(first + index, sums.get(first + index)));
  }

  /** Writes down what a person did, where a history is kept. */
  async audit(entry: AuditEntry): Promise<void> {
    await (await this.#history())?.audit(entry);
  }

  /** What people did, the latest first. */
  async audits(limit: number): Promise<readonly AuditEntry[]> {
    return (await (await this.#history())?.audits(limit)) ?? [];
  }

  async #history(): Promise<HistoryStore | undefined> {
    return (await runtimeOf(this.#app).stores.open()).history;
  }
}

function toMinute(minute: number, stats: MinuteStats | undefined): MinuteCounts {
  const { succeeded = 0, failed = 0, retried = 0, revoked = 0, wait = {}, run = {} } = stats ?? {};
  return {
    at: minute * minuteMs,
    ...{ succeeded, failed, retried, revoked },
    waitP95: percentile(wait, 0.95),
    runP50: percentile(run, 0.5),
    runP95: percentile(run, 0.95),
  };
}

/** The streams in which rows that fit can stand. */
function kindsOf({ states, error }: RunFilter): readonly RunKind[] {
  if (error !== undefined) return ['other'];
  if (states === undefined || states.length === 0) return ['succeeded', 'other'];
  const kinds = new Set<RunKind>(states.map((state) => (state === 'SUCCESS' ? 'succeeded' : 'other')));
  return [...kinds];
}

function compileRunFilter(filter: RunFilter): (row: RunRow) => boolean {
  const { states, task, tag, error, from, to } = filter;
  const fitsTask = task === undefined ? undefined : compilePattern(task);
  const fitsTag = tag === undefined ? undefined : compilePattern(tag);
  const fitsError = error === undefined ? undefined : compilePattern(error);
  const exact = (['id', 'queue', 'worker'] as const).filter((field) => filter[field] !== undefined);
  return (row) =>
    (states === undefined || states.length === 0 || states.includes(row.state)) &&
    exact.every((field) => row[field] === filter[field]) &&
    (fitsTask === undefined || fitsTask(row.task)) &&
    (fitsTag === undefined || row.tags?.some(fitsTag) === true) &&
    (fitsError === undefined || (row.error !== undefined && fitsError(row.error.name))) &&
    (from === undefined || row.at >= from) &&
    (to === undefined || row.at < to);
}

/** Where each stream goes on; a stream that is read to its end is absent. */
type Places = Partial<Record<RunKind, string>>;

function readCursor(cursor: string | undefined): Places | undefined {
  if (cursor === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (typeof value === 'object' && value !== null) {
      const { succeeded, other } = value as Record<string, unknown>;
      return {
        ...(typeof succeeded === 'string' ? { succeeded } : {}),
        ...(typeof other === 'string' ? { other } : {}),
      };
    }
  } catch {} // told below
  throw new ConfigurationError('runs: cursor: expected one that a page gave');
}

/** Rows of one stream, a chunk ahead. */
interface Ahead {
  page: RunRowPage;
  index: number;
  /** Of the last row that was given out. */
  place: string | undefined;
}

/** The rows of both streams as one list, the latest first. */
class MergedRows {
  read = 0;
  readonly #history: HistoryStore;
  readonly #streams: Map<RunKind, Ahead>;

  constructor(history: HistoryStore, kinds: readonly RunKind[], from: Places | undefined) {
    this.#history = history;
    const open = from === undefined ? kinds : kinds.filter((kind) => from[kind] !== undefined);
    const nothing: RunRowPage = { rows: [], places: [], more: true };
    this.#streams = new Map(open.map((kind) => [kind, { page: nothing, index: 0, place: from?.[kind] || undefined }]));
  }

  /** The next row; undefined when there is none. */
  async next(): Promise<RunRow | undefined> {
    let best: Ahead | undefined;
    for (const [kind, ahead] of this.#streams) {
      const row = await this.#peek(kind, ahead);
      const other = best?.page.rows[best.index];
      if (row && (other === undefined || row.at > other.at)) best = ahead;
    }
    if (best === undefined) return undefined;
    const row = best.page.rows[best.index];
    best.place = best.page.places[best.index];
    best.index += 1;
    this.read += 1;
    return row;
  }

  get cursor(): string {
    const places = Object.fromEntries([...this.#streams].map(([kind, { place }]) => [kind, place ?? '']));
    return Buffer.from(JSON.stringify(places)).toString('base64url');
  }

  async #peek(kind: RunKind, ahead: Ahead): Promise<RunRow | undefined> {
    while (ahead.index >= ahead.page.rows.length && ahead.page.more) {
      const before = ahead.page.places.at(-1) ?? ahead.place;
      ahead.page = await this.#history.rows(kind, { limit: chunk, ...(before === undefined ? {} : { before }) });
      ahead.index = 0;
      if (ahead.page.rows.length === 0) break;
    }
    const row = ahead.page.rows[ahead.index];
    if (row === undefined) this.#streams.delete(kind);
    return row;
  }
}
