import {
  decodeRecord,
  isFinal,
  type JoinMember,
  type JoinState,
  type OutcomeRecord,
  type OutcomeWrite,
  type ResultBackend,
  type ResultNotification,
  type Subscription,
} from '@lovage/core/driver';
import type { RedisClient } from '../connection.ts';
import type { Keys } from '../keys.ts';
import type { EndedLog } from '../retention/ended-log.ts';
import { scriptsOf } from '../scripts/scripts.ts';
import { toResultError } from '../store-errors.ts';
import type { StoreLink } from '../store-link.ts';
import type { Subscriber } from '../subscriber.ts';
import { type EndedMember, JoinBatch } from './join-batch.ts';
import { parseNotifications, recordArguments, withoutMembers } from './record-text.ts';

/** Ids in one MGET or DEL: bounds the time one command holds Redis. */
const chunkSize = 500;

/** What a join answers whose outcome was not stored, since another final one stands. */
const refused: JoinState = { done: 0, failed: 0, complete: false, refused: true };

/** Outcome records as string keys with an expiry, and one channel per inbox. */
export class RedisResultBackend implements ResultBackend {
  readonly #link: StoreLink;
  readonly #subscriber: Subscriber;
  readonly #keys: Keys;
  readonly #ended: EndedLog;
  readonly #batch: JoinBatch = new JoinBatch((members) => this.#joinAll(members));

  constructor(link: StoreLink, subscriber: Subscriber, keys: Keys, ended: EndedLog) {
    this.#link = link;
    this.#subscriber = subscriber;
    this.#keys = keys;
    this.#ended = ended;
  }

  async put(writes: readonly OutcomeWrite[]): Promise<readonly boolean[]> {
    const calls = writes.map((write) => ({
      key: this.#keys.result(write.record.id),
      args: [...recordArguments(write, this.#keys), write.stopsMessage ? '1' : ''],
    }));
    const stored = await this.#run((client) => {
      const scripts = scriptsOf(client);
      return Promise.all(calls.map(({ key, args }) => scripts.storeRecord([key], args))); // one write: same tick
    });
    for (const [index, write] of writes.entries()) {
      if (stored[index] !== 0 && isFinal(write.record)) this.#ended.note(write, String(calls[index]?.args[0]).length);
    }
    return stored.map((one) => one === 1);
  }

  async get(ids: readonly string[]): Promise<readonly (OutcomeRecord | undefined)[]> {
    const texts = await Promise.all(
      chunks(ids).map((chunk) => {
        const keys = chunk.map((id) => this.#keys.result(id));
        return this.#run((client) => this.#getAll(client, keys));
      }),
    );
    return texts.flat().map((text) => (text === null ? undefined : decodeRecord(text)));
  }

  watch(
    inbox: string,
    listener: (notification: ResultNotification) => void,
    wants?: (id: string) => boolean,
  ): Promise<Subscription> {
    return this.#subscriber.subscribe(this.#keys.inbox(inbox), (text) => {
      for (const notification of parseNotifications(wants ? withoutMembers(text, wants) : text)) listener(notification);
    });
  }

  async join(member: JoinMember): Promise<JoinState> {
    const { outcome } = member;
    if (outcome !== undefined && this.#keys.sameSlot) return this.#batch.add({ ...member, outcome });
    if (outcome !== undefined && !(await this.put([outcome]))[0]) return refused;
    const [keys, args] = [this.#joinKeys(member.groupId), joinArguments(member)];
    return stateOf(await this.#run((client) => scriptsOf(client).joinMember(keys, args)));
  }

  async #joinAll(members: readonly EndedMember[]): Promise<readonly JoinState[]> {
    const [{ groupId }] = members as [EndedMember];
    const keys = [...this.#joinKeys(groupId), ...members.map(({ outcome }) => this.#keys.result(outcome.record.id))];
    const texts = members.map(({ outcome }) => recordArguments(outcome, this.#keys));
    const args = members.flatMap((member, index) => [...(texts[index] ?? []), ...joinArguments(member)]);
    const states = (await this.#run((client) => scriptsOf(client).joinWithOutcomes(keys, args))).map(stateOf);
    for (const [index, { outcome }] of members.entries()) {
      if (!states[index]?.refused && isFinal(outcome.record))
        this.#ended.note(outcome, String(texts[index]?.[0]).length);
    }
    return states;
  }

  #joinKeys(groupId: string): [string, string, string] {
    const { joinEnded, joinFailed, joinSize } = this.#keys;
    return [joinEnded(groupId), joinFailed(groupId), joinSize(groupId)];
  }

  async reopen(writes: readonly OutcomeWrite[]): Promise<readonly boolean[]> {
    const opened = await this.#run((client) =>
      Promise.all(
        writes.map((write) => {
          const [text = '', ttl = ''] = recordArguments(write, this.#keys);
          return scriptsOf(client).reopenRecord([this.#keys.result(write.record.id)], [text, ttl]);
        }),
      ),
    );
    return opened.map((one) => one === 1);
  }

  async forget(ids: readonly string[]): Promise<void> {
    await Promise.all(
      chunks(ids).map((chunk) => {
        const keys = chunk.map((id) => this.#keys.result(id));
        return this.#run((client) => this.#deleteAll(client, keys));
      }),
    );
  }

  /** The connection owns the sockets. */
  async close(): Promise<void> {}

  /** On a cluster they lie in many slots: then each is a command of its own, all in one write to each master. */
  #getAll(client: RedisClient, keys: readonly string[]): Promise<(string | null)[]> {
    return this.#keys.sameSlot ? client.mget([...keys]) : Promise.all(keys.map((key) => client.get(key)));
  }

  #deleteAll(client: RedisClient, keys: readonly string[]): Promise<unknown> {
    return this.#keys.sameSlot ? client.del([...keys]) : Promise.all(keys.map((key) => client.del(key)));
  }

  async #run<T>(work: (client: RedisClient) => Promise<T>): Promise<T> {
    try {
      return await this.#link.run(work);
    } catch (error) {
      throw toResultError(error, this.#link.display);
    }
  }
}

function joinArguments({ index, succeeded, ttl, size, announcesSize }: JoinMember): (string | number)[] {
  return [index, succeeded ? '1' : '0', Math.max(1, Math.floor(ttl)), size ?? '', announcesSize ? '1' : '0'];
}

function stateOf([done, failed, complete]: readonly [number, number, number]): JoinState {
  return done === -1 ? refused : { done, failed, complete: complete === 1 };
}

function chunks(ids: readonly string[]): string[][] {
  const result: string[][] = [];
  for (let start = 0; start < ids.length; start += chunkSize) result.push(ids.slice(start, start + chunkSize));
  return result;
}
