import type { Clock } from '../../clock.ts';
import {
  type AuditEntry,
  defaultHistoryLimits,
  type FailureQuery,
  type HistoryBatch,
  type HistoryLimits,
  type HistoryStore,
  type RunRowPage,
} from '../../history/history-store.ts';
import { addStats, type MinuteStats, minuteMs } from '../../history/minute-stats.ts';
import { type FailureEntry, type FailureGroup, kindOf, type RunKind, type RunRow } from '../../history/run-row.ts';

/** Entries of the audit that are kept. */
const mostAudits = 10_000;

interface Group {
  readonly firstAt: number;
  total: number;
  latest: FailureEntry;
}

/** The history of a store in this process. The latest stand last in every list. */
export class MemoryHistory {
  readonly #clock: Clock;
  readonly #limits: HistoryLimits;
  readonly #rows: Record<RunKind, { rows: RunRow[]; gone: number }> = {
    succeeded: { rows: [], gone: 0 },
    other: { rows: [], gone: 0 },
  };
  readonly #attempts = new Map<string, RunRow[]>();
  readonly #minutes = new Map<string, MinuteStats>();
  readonly #failures = new Map<string, FailureEntry>();
  readonly #groups = new Map<string, Group>();
  readonly #audits: AuditEntry[] = [];

  constructor(clock: Clock, limits: HistoryLimits = defaultHistoryLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  append({ rows, failures, minutes }: HistoryBatch): void {
    for (const row of rows) this.#addRow(row);
    for (const failure of failures) this.#addFailure(failure);
    for (const stats of minutes) {
      const key = JSON.stringify([stats.minute, stats.task, stats.queue]);
      const there = this.#minutes.get(key);
      this.#minutes.set(key, there ? addStats(there, stats) : stats);
    }
  }

  rows(kind: RunKind, before: string | undefined, limit: number): RunRowPage {
    const { rows, gone } = this.#rows[kind];
    const end = before === undefined ? rows.length : Math.max(0, Number(before) - gone);
    const start = Math.max(0, end - limit);
    const page = rows.slice(start, end).reverse();
    return { rows: page, places: page.map((_, index) => String(gone + end - 1 - index)), more: start > 0 };
  }

  attempts(id: string): readonly RunRow[] {
    return this.#attempts.get(id) ?? [];
  }

  minutes(from: number, to: number): readonly MinuteStats[] {
    return [...this.#minutes.values()].filter(({ minute }) => minute >= from && minute <= to);
  }

  failures({ fingerprint, after, limit }: FailureQuery): readonly FailureEntry[] {
    return [...this.#failures.values()]
      .filter(({ row }) => fingerprint === undefined || row.error.fingerprint === fingerprint)
      .sort(latestFirst)
      .filter(({ row }) => after === undefined || row.at < after.at || (row.at === after.at && row.id < after.id))
      .slice(0, limit);
  }

  failure(id: string): FailureEntry | undefined {
    return this.#failures.get(id);
  }

  groups(): readonly FailureGroup[] {
    const open = new Map<string, number>();
    for (const { row } of this.#failures.values())
      open.set(row.error.fingerprint, (open.get(row.error.fingerprint) ?? 0) + 1);
    return [...this.#groups]
      .filter(([fingerprint]) => open.has(fingerprint))
      .map(([fingerprint, group]) => toGroup(group, open.get(fingerprint) ?? 0))
      .sort((a, b) => b.lastAt - a.lastAt);
  }

  removeFailure(id: string): boolean {
    return this.#failures.delete(id);
  }

  audit(entry: AuditEntry): void {
    this.#audits.push(entry);
    if (this.#audits.length > mostAudits) this.#audits.shift();
  }

  audits(limit: number): readonly AuditEntry[] {
    return this.#audits.slice(-limit).reverse();
  }

  sweep(): void {
    const now = this.#clock.now();
    const since = now - this.#limits.expires;
    for (const { rows } of Object.values(this.#rows)) {
      const young = rows.findIndex(({ at }) => at >= since);
      this.#drop(rows, young === -1 ? rows.length : young);
    }
    const oldest = (now - this.#limits.minutesExpire) / minuteMs;
    deleteWhere(this.#minutes, ({ minute }) => minute < oldest);
    deleteWhere(this.#failures, ({ row }) => row.at < since);
    deleteWhere(this.#attempts, (rows) => (rows.at(-1)?.at ?? 0) < since);
    deleteWhere(this.#groups, ({ latest }) => latest.row.at < since);
  }

  #addRow(row: RunRow): void {
    const { rows } = this.#rows[kindOf(row)];
    rows.push(row);
    if (rows.length > this.#limits.rows * 1.1) this.#drop(rows, rows.length - this.#limits.rows);
    if (row.state === 'SUCCESS' && row.attempt === 1) return;
    const attempts = this.#attempts.get(row.id);
    if (attempts) attempts.push(row);
    else this.#attempts.set(row.id, [row]);
    if (this.#attempts.size > this.#limits.rows) this.#attempts.delete(this.#attempts.keys().next().value as string);
  }

  #drop(rows: RunRow[], count: number): void {
    rows.splice(0, count);
    for (const kind of Object.values(this.#rows)) if (kind.rows === rows) kind.gone += count;
  }

  #addFailure(failure: FailureEntry): void {
    const { row } = failure;
    this.#failures.delete(row.id); // the latest stand last
    this.#failures.set(row.id, failure);
    if (this.#failures.size > this.#limits.failures)
      this.#failures.delete(this.#failures.keys().next().value as string);
    const group = this.#groups.get(row.error.fingerprint);
    if (group) Object.assign(group, { total: group.total + 1, latest: failure });
    else this.#groups.set(row.error.fingerprint, { firstAt: row.at, total: 1, latest: failure });
  }
}

function deleteWhere<V>(map: Map<string, V>, isOver: (value: V) => boolean): void {
  for (const [key, value] of map) if (isOver(value)) map.delete(key);
}

function latestFirst({ row: a }: FailureEntry, { row: b }: FailureEntry): number {
  return b.at - a.at || (a.id < b.id ? 1 : -1);
}

function toGroup({ firstAt, total, latest: { row } }: Group, open: number): FailureGroup {
  const { fingerprint, name, message, frame } = row.error;
  return {
    fingerprint,
    name,
    message,
    ...(frame === undefined ? {} : { frame }),
    task: row.task,
    open,
    total,
    firstAt,
    lastAt: row.at,
    example: row.id,
  };
}

/** The history, as one connection sees it. */
export function createMemoryHistory(history: MemoryHistory, assertOpen: () => void): HistoryStore {
  const open = <T>(work: () => T): Promise<T> =>
    new Promise((resolve) => {
      assertOpen();
      resolve(work());
    });
  return {
    append: (batch) => open(() => history.append(batch)),
    rows: (kind, { before, limit }) => open(() => history.rows(kind, before, limit)),
    attempts: (id) => open(() => history.attempts(id)),
    minutes: (from, to) => open(() => history.minutes(from, to)),
    failures: (query) => open(() => history.failures(query)),
    failure: (ids) => open(() => ids.map((id) => history.failure(id))),
    failureGroups: () => open(() => history.groups()),
    removeFailures: (ids) => open(() => ids.map((id) => history.removeFailure(id))),
    audit: (entry) => open(() => history.audit(entry)),
    audits: (limit) => open(() => history.audits(limit)),
    sweep: () => open(() => history.sweep()),
  };
}
