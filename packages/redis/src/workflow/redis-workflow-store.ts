import {
  type AppendReply,
  type Delivered,
  type InboxItem,
  isWorkflowEnded,
  mostInboxItems,
  type NewInboxItem,
  type NewRun,
  type Retention,
  type RunChange,
  type RunFilter,
  type RunHeader,
  type StoredRun,
  type TakenRun,
  type TakeRequest,
  type WorkflowState,
  type WorkflowStore,
} from '@lovage/core/driver';
import type { Keys } from '../keys.ts';
import { scriptsOf } from '../scripts/scripts.ts';
import type { StoreLink } from '../store-link.ts';
import { AppendBatch } from './append-batch.ts';
import { headerFields, readHeader, readInbox, readLog } from './run-record.ts';

/** Headers read in one go. */
const page = 500;
const directories = ['open', 'diverged', 'ended'] as const;
type SharedRegistry = (typeof directories)[number];

/**
 * A run is three keys in one slot: a hash for its header, a hash for its log, a stream for its inbox. Which runs there are is
 * written beside them, after them: a crash between the two is mended by the next delivery of the run.
 */
export class RedisWorkflowStore implements WorkflowStore {
  readonly #link: StoreLink;
  readonly #keys: Keys;
  readonly #retention: Retention;
  readonly #batch: AppendBatch;

  constructor(link: StoreLink, keys: Keys, retention: Retention) {
    this.#link = link;
    this.#keys = keys;
    this.#retention = retention;
    this.#batch = new AppendBatch((ids, args) => {
      const names = ids.flatMap((id) => this.#keysOf(id));
      return link.run((client) => scriptsOf(client).workflowAppend(names, args));
    }, keys.sameSlot);
  }

  async take({ id, name, version, queue, call, host, now, lost }: TakeRequest): Promise<TakenRun> {
    const args = [name, version ?? '', queue, call, host, now, lost ? '1' : ''];
    const reply = await this.#link.run((client) => scriptsOf(client).workflowTake(this.#keysOf(id), args));
    const [fence, losses, flat, log, inbox] = reply;
    const header = readHeader(id, flat) as RunHeader; // just written
    if (fence === 1 || lost) await this.#enter(header);
    return { header, lost: losses, log: readLog(log), inbox: readInbox(inbox) };
  }

  async append(id: string, change: RunChange): Promise<AppendReply> {
    return (await this.#write(id, change, '')) as AppendReply; // pending only where `seen` is given
  }

  park(id: string, change: RunChange, seen: string): Promise<AppendReply | 'pending'> {
    return this.#write(id, change, seen || '0-0');
  }

  async deliver(id: string, item: NewInboxItem, create?: NewRun): Promise<Delivered> {
    const made = create ? [create.name, create.version ?? '', create.queue, create.call, create.now] : [];
    const args = [item.kind, item.name, item.key, item.body, mostInboxItems, ...made];
    const reply = await this.#link.run((client) => scriptsOf(client).workflowDeliver(this.#keysOf(id), args));
    const [status, state, fence, host, queue] = reply as [Delivered['status'], WorkflowState, string, string, string];
    if (status === 'unknown') return { status };
    return { status, header: { state, fence: Number(fence), queue, ...(host ? { host } : {}) } };
  }

  async inbox(id: string, after: string): Promise<readonly InboxItem[]> {
    const [, , key] = this.#keysOf(id);
    return readInbox(await this.#link.run((client) => client.xrange(key, `(${after || '0-0'}`, '+')));
  }

  async read(id: string): Promise<StoredRun | undefined> {
    const [run, log, inbox] = this.#keysOf(id);
    const [fields, entries, items] = await this.#link.run((client) =>
      Promise.all([client.hgetall(run), client.hgetall(log), client.xrange(inbox, '-', '+')]),
    );
    const header = readHeader(id, Object.entries(fields).flat());
    return header && { header, log: readLog(Object.entries(entries).flat()), inbox: readInbox(items) };
  }

  async list({ name, states, limit }: RunFilter): Promise<readonly RunHeader[]> {
    const found: RunHeader[] = [];
    const fits = (run: RunHeader): boolean =>
      (name === undefined || run.name === name) && (states === undefined || states.includes(run.state));
    for (const which of directories.filter(
      (one) => states === undefined || states.some((state) => inDirectory(state, one)),
    )) {
      for (let from = 0; ; from += page) {
        const ids = await this.#link.run((client) => client.zrevrange(this.#keys.runs(which), from, from + page - 1));
        for (const run of await this.#headers(ids, which)) if (fits(run)) found.push(run);
        if (ids.length < page || found.length >= limit) break;
      }
    }
    return found.sort((a, b) => b.updatedAt - a.updatedAt).slice(0, limit);
  }

  async forget(ids: readonly string[]): Promise<number> {
    const counts = await this.#link.run((client) => Promise.all(ids.map((id) => client.unlink(...this.#keysOf(id)))));
    await this.#leave(ids);
    return counts.filter((count) => count > 0).length;
  }

  async sweep(): Promise<void> {
    const key = this.#keys.runs('ended');
    for (;;) {
      const excess = (await this.#link.run((client) => client.zcard(key))) - this.#retention.results;
      if (excess <= 0) return;
      const ids = await this.#link.run((client) => client.zrange(key, 0, String(Math.min(excess, page) - 1)));
      await this.forget(ids);
    }
  }

  async #write(id: string, change: RunChange, seen: string): Promise<AppendReply | 'pending'> {
    const reply = await this.#batch.add(id, change, seen);
    const { state, updatedAt = 0 } = change.header ?? {};
    if (reply === 'done' && state && (isWorkflowEnded(state) || state === 'DIVERGED' || change.reopen))
      await this.#enter({ id, state, updatedAt });
    return reply;
  }

  /** Lists a run where its state says, and nowhere else. */
  async #enter({ id, state, updatedAt }: Pick<RunHeader, 'id' | 'state' | 'updatedAt'>): Promise<void> {
    await this.#link.run((client) =>
      Promise.all(
        directories.map((which): Promise<unknown> => {
          const key = this.#keys.runs(which);
          return inDirectory(state, which) ? client.zadd(key, String(updatedAt), id) : client.zrem(key, id);
        }),
      ),
    );
  }

  async #leave(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.#link.run((client) =>
      Promise.all(directories.map((which) => client.zrem(this.#keys.runs(which), ...ids))),
    );
  }

  /** Headers of these runs; those that went by their time to live leave the directory. */
  async #headers(ids: readonly string[], which: SharedRegistry): Promise<readonly RunHeader[]> {
    const rows = await this.#link.run((client) =>
      Promise.all(ids.map((id) => client.hmget(this.#keys.run(id), ...headerFields))),
    );
    const gone: string[] = [];
    const headers = ids.flatMap((id, index) => {
      const flat = headerFields.flatMap((field, nth) => [field, rows[index]?.[nth] ?? '']);
      const header = readHeader(id, flat);
      if (header === undefined) gone.push(id);
      return header ?? [];
    });
    if (gone.length > 0) await this.#link.run((client) => client.zrem(this.#keys.runs(which), ...gone));
    return headers;
  }

  #keysOf(id: string): [run: string, log: string, inbox: string] {
    const run = this.#keys.run(id);
    return [run, `${run}:log`, `${run}:in`];
  }
}

function inDirectory(state: WorkflowState, which: SharedRegistry): boolean {
  if (isWorkflowEnded(state)) return which === 'ended';
  return which === (state === 'DIVERGED' ? 'diverged' : 'open');
}
