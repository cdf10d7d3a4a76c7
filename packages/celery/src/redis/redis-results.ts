import {
  BrokerUnavailableError,
  broadcastInbox,
  isFinal,
  type JoinMember,
  type JoinState,
  type Logger,
  NotSupportedError,
  type OutcomeRecord,
  type OutcomeWrite,
  plainRecord,
  type ResultBackend,
  ResultBackendUnavailableError,
  type ResultNotification,
  type Subscription,
} from '@lovage/core/driver';
import { groupRecord, readGroupMembers } from '../protocol/group-meta.ts';
import { readMeta, writeMeta } from '../protocol/result-meta.ts';
import type { Settler } from '../worker/settler.ts';
import type { RedisLink } from './connection.ts';
import type { Keys } from './keys.ts';
import type { Subscriptions } from './subscriptions.ts';

/** What the results need. */
export interface RedisResultsParts {
  readonly link: RedisLink;
  readonly keys: Keys;
  readonly settler: Settler;
  readonly subscriptions: Subscriptions;
  readonly logger: Logger;
  /** Told of tasks that were taken back from afar: workers of Python's are to hear of it. */
  readonly onRevoked: (ids: readonly string[]) => void;
}

/** Celery's result backend on Redis: `celery-task-meta-<id>`, stored and told on the channel of the same name. */
export class RedisResults implements ResultBackend {
  readonly #parts: RedisResultsParts;
  readonly #listeners = new Map<string, (notification: ResultNotification) => void>();
  /** Whose results are listened for: the inbox that asked, and the group it is a member of. */
  readonly #expected = new Map<string, { readonly inbox: string; readonly group?: string | undefined }>();
  /** Told of tasks that were taken back from afar: workers of Python's are to hear of it. */
  onRevoked: (ids: readonly string[]) => void;
  readonly #over: string[] = [];

  constructor(parts: RedisResultsParts) {
    this.#parts = parts;
    this.onRevoked = parts.onRevoked;
  }

  get settler(): Settler {
    return this.#parts.settler;
  }

  async put(writes: readonly OutcomeWrite[]): Promise<readonly boolean[]> {
    const jobs = writes.map((write) => {
      const { id } = write.record;
      const record = { id, text: writeMeta(plainRecord(write)), ttl: write.ttl / 1_000 };
      return this.#parts.settler.settle({ records: [record] });
    });
    const stand = await this.#withBackendErrors(Promise.all(jobs));
    const revoked = writes.filter(({ record, replyTo }) => record.state === 'REVOKED' && replyTo === broadcastInbox);
    if (revoked.length > 0) this.onRevoked(revoked.map(({ record }) => record.id));
    return stand.map(({ stored }) => stored[0] === true);
  }

  async get(ids: readonly string[]): Promise<readonly (OutcomeRecord | undefined)[]> {
    if (ids.length === 0) return [];
    const { link, keys } = this.#parts;
    const texts = await this.#withBackendErrors(link.run((client) => client.mget(ids.map((id) => keys.meta(id)))));
    const records = texts.map((text) => (text === null ? undefined : readMeta(text)));
    const absent = ids.flatMap((id, index) => (records[index] === undefined ? [id] : []));
    if (absent.length === 0) return records;
    const groups = await this.#groups(absent);
    return records.map((record, index) => record ?? groups.get(ids[index] as string));
  }

  async watch(inbox: string, listener: (notification: ResultNotification) => void): Promise<Subscription> {
    this.#listeners.set(inbox, listener);
    return { close: async () => void this.#listeners.delete(inbox) };
  }

  /** Resolves when results of these ids that come from now on are heard, or it cannot be had. Never rejects. */
  async expect(ids: readonly string[], inbox: string, group?: string): Promise<void> {
    for (const id of ids) this.#expected.set(id, { inbox, group });
    const channels = ids.map((id) => this.#parts.keys.meta(id));
    try {
      await this.#parts.subscriptions.subscribe(channels, (text) => this.#hear(text));
    } catch (error) {
      this.#parts.logger.debug('could not listen for results: the store will be asked', { error });
    }
  }

  /** A group whose record is made of its members'. */
  async saveGroup(id: string, ids: readonly string[], ttl: number): Promise<void> {
    const members = ids.map((member) => [[member, null], null]);
    const text = JSON.stringify({ result: [[id, null], members] });
    const { link, keys } = this.#parts;
    await this.#withBackendErrors(
      link.run((client) => client.setex(keys.groupMeta(id), Math.max(1, Math.ceil(ttl / 1_000)), text)),
    );
  }

  join(_member: JoinMember): Promise<JoinState> {
    return Promise.reject(new NotSupportedError('groups are counted by Celery, as messages are settled'));
  }

  async forget(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const { link, keys } = this.#parts;
    await this.#withBackendErrors(
      link.run((client) => client.del(...ids.flatMap((id) => [keys.meta(id), keys.groupMeta(id)]))),
    );
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    this.#expected.clear();
  }

  /** A repeated notification tells nobody twice: the inbox knows whom it has told. */
  #hear(text: string): void {
    const record = readMeta(text);
    const expected = record && this.#expected.get(record.id);
    if (!record || !expected) return;
    if (isFinal(record)) this.#done(record.id);
    this.#listeners.get(expected.inbox)?.({ id: record.id, record });
    if (expected.group !== undefined && isFinal(record)) void this.#tellGroup(expected.group, expected.inbox);
  }

  /** A group is told of when its last member has ended. */
  async #tellGroup(id: string, inbox: string): Promise<void> {
    const record = (await this.#groups([id]).catch(() => undefined))?.get(id);
    if (record && isFinal(record)) this.#listeners.get(inbox)?.({ id, record });
  }

  #done(id: string): void {
    this.#expected.delete(id);
    this.#over.push(id);
    if (this.#over.length > 1) return;
    setImmediate(() =>
      this.#parts.subscriptions.unsubscribe(this.#over.splice(0).map((one) => this.#parts.keys.meta(one))),
    );
  }

  async #groups(ids: readonly string[]): Promise<ReadonlyMap<string, OutcomeRecord>> {
    const { link, keys } = this.#parts;
    const texts = await this.#withBackendErrors(link.run((client) => client.mget(ids.map((id) => keys.groupMeta(id)))));
    const found = new Map<string, OutcomeRecord>();
    for (const [index, text] of texts.entries()) {
      const members = text === null ? undefined : readGroupMembers(text);
      const id = ids[index] as string;
      if (members !== undefined) found.set(id, groupRecord(id, members, await this.get(members)));
    }
    return found;
  }

  async #withBackendErrors<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (!(error instanceof BrokerUnavailableError)) throw error;
      throw new ResultBackendUnavailableError(error.message, { cause: error });
    }
  }
}
