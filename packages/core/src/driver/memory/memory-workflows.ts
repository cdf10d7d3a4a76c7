import type { Clock } from '../../clock.ts';
import type { Retention } from '../retention.ts';
import {
  type AppendReply,
  type Delivered,
  type InboxItem,
  isWorkflowEnded,
  mostInboxItems,
  type NewInboxItem,
  type NewRun,
  type RunChange,
  type RunFilter,
  type RunHeader,
  type StoredRun,
  type TakenRun,
  type TakeRequest,
  type WorkflowStore,
} from '../workflow-store.ts';

interface Row {
  header: RunHeader;
  readonly log: Map<string, string>;
  readonly keys: Set<string>;
  inbox: InboxItem[];
  lost: number;
  expiresAt?: number | undefined;
}

/** The runs of one memory store. */
export class MemoryWorkflows {
  readonly #clock: Clock;
  readonly #retention: Retention;
  readonly #rows = new Map<string, Row>();
  #position = 0;

  constructor(clock: Clock, retention: Retention) {
    this.#clock = clock;
    this.#retention = retention;
  }

  take({ id, host, lost, now, ...run }: TakeRequest): TakenRun {
    const row = this.#row(id) ?? this.#create(id, { ...run, now });
    row.header = { ...row.header, fence: row.header.fence + 1 };
    if (!isWorkflowEnded(row.header.state)) row.header = this.#running(row.header, host, now);
    if (lost) row.lost += 1;
    return { ...copyOf(row), lost: row.lost };
  }

  append(id: string, change: RunChange, seen?: string): AppendReply | 'pending' {
    const row = this.#row(id);
    if (row?.header.fence !== change.fence || (isWorkflowEnded(row.header.state) && !change.reopen)) return 'fenced';
    if (seen !== undefined && row.inbox.some(({ at }) => Number(at) > Number(seen))) return 'pending';
    writeLog(row.log, change);
    const consumed = new Set(change.consumed);
    if (consumed.size > 0) row.inbox = row.inbox.filter(({ at }) => !consumed.has(at));
    row.lost = 0;
    row.header = withChange(row.header, change);
    row.expiresAt = change.ttl === undefined ? undefined : this.#clock.now() + change.ttl;
    return 'done';
  }

  deliver(id: string, { key, ...item }: NewInboxItem, create: NewRun | undefined): Delivered {
    const row = this.#row(id) ?? (create ? this.#create(id, create) : undefined);
    if (row === undefined) return { status: 'unknown' };
    const { header } = row;
    if (isWorkflowEnded(header.state)) return { status: 'ended', header };
    if (row.keys.has(key)) return { status: 'duplicate', header };
    if (row.inbox.length >= mostInboxItems) return { status: 'full', header };
    row.keys.add(key);
    this.#position += 1;
    row.inbox.push({ ...item, at: String(this.#position) });
    return { status: 'delivered', header };
  }

  inbox(id: string, after: string): readonly InboxItem[] {
    return (this.#row(id)?.inbox ?? []).filter(({ at }) => Number(at) > Number(after || 0));
  }

  read(id: string): StoredRun | undefined {
    const row = this.#row(id);
    return row && copyOf(row);
  }

  list({ name, states, limit }: RunFilter): readonly RunHeader[] {
    return [...this.#rows.keys()]
      .flatMap((id) => this.#row(id)?.header ?? [])
      .filter(
        (one) => (name === undefined || one.name === name) && (states === undefined || states.includes(one.state)),
      )
      .sort((a, b) => b.updatedAt - a.updatedAt)
      .slice(0, limit);
  }

  forget(ids: readonly string[]): number {
    return ids.filter((id) => this.#rows.delete(id)).length;
  }

  sweep(): void {
    const ended = this.list({ limit: Number.POSITIVE_INFINITY, states: ['SUCCESS', 'FAILURE', 'REVOKED'] });
    this.forget(ended.slice(this.#retention.results).map(({ id }) => id));
  }

  #row(id: string): Row | undefined {
    const row = this.#rows.get(id);
    if (row?.expiresAt === undefined || row.expiresAt > this.#clock.now()) return row;
    this.#rows.delete(id);
    return undefined;
  }

  #create(id: string, { now, ...run }: NewRun): Row {
    const header: RunHeader = { ...run, id, state: 'SENT', fence: 0, createdAt: now, updatedAt: now };
    const row: Row = { header, log: new Map(), keys: new Set(), inbox: [], lost: 0 };
    this.#rows.set(id, row);
    return row;
  }

  #running(header: RunHeader, host: string, now: number): RunHeader {
    const { wakeAt: _wakeAt, note: _note, ...rest } = header;
    return { ...rest, state: 'RUNNING', host, updatedAt: now };
  }
}

function writeLog(log: Map<string, string>, { clear, drop = [], entries = [], marks = [] }: RunChange): void {
  if (clear) log.clear();
  for (const key of drop) log.delete(key);
  for (const [key, text] of entries) if (!log.has(key)) log.set(key, text);
  for (const [key, text] of marks) log.set(key, text);
}

function withChange(header: RunHeader, { header: change = {} }: RunChange): RunHeader {
  const merged: Record<string, unknown> = { ...header, ...change };
  for (const [key, value] of Object.entries(merged)) if (value === undefined) delete merged[key];
  return merged as unknown as RunHeader; // a header without the fields that went
}

function copyOf({ header, log, inbox }: Row): StoredRun {
  return { header, log: new Map(log), inbox: [...inbox] };
}

/** The runs, as one connection sees them. */
export function createMemoryWorkflows(runs: MemoryWorkflows, assertOpen: () => void): WorkflowStore {
  const open = <T>(work: () => T): Promise<T> =>
    Promise.resolve().then(() => {
      assertOpen();
      return work();
    });
  return {
    take: (request) => open(() => runs.take(request)),
    append: (id, change) => open(() => runs.append(id, change) as AppendReply), // pending only where `seen` is given
    park: (id, change, seen) => open(() => runs.append(id, change, seen)),
    deliver: (id, item, create) => open(() => runs.deliver(id, item, create)),
    inbox: (id, after) => open(() => runs.inbox(id, after)),
    read: (id) => open(() => runs.read(id)),
    list: (filter) => open(() => runs.list(filter)),
    forget: (ids) => open(() => runs.forget(ids)),
    sweep: () => open(() => runs.sweep()),
  };
}
