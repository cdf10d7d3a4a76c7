import type { AckJoin, JoinState, OutcomeWrite } from '@lovage/core/driver';
import type { Keys } from '../../keys.ts';
import type { EndedLog } from '../../retention/ended-log.ts';
import { joinTexts } from '../../scripts/streams/lines.lua.ts';
import { group } from '../entry/stream-queue.ts';
import type { StreamDelivery } from './delivery.ts';

/** Deliveries in one script call: bounds the time it holds Redis (about 3.5 ms). */
const mostDeliveries = 500;

/** An outcome and its record as text. */
export interface EncodedOutcome {
  readonly outcome: OutcomeWrite | undefined;
  readonly record: string;
  /** Of a delivery in a batch of members. */
  readonly join?: AckJoin;
}

/** The acks of one stream that leave together, as arguments of stream-ack. */
export class AckBatch {
  readonly deliveries: StreamDelivery[] = [];
  /** Ids by which the queue knows deliveries whose message says another one (foreign producers). */
  readonly aliases: string[] = [];
  /** Of a batch of members of groups: which they are. */
  readonly members: MemberRows | undefined;
  readonly #keys: Keys;
  /** The name of our consumer in the group. */
  readonly #consumer: string;
  readonly #profiles: (string | number)[] = [];
  readonly #entries: string[] = [];
  readonly #ids: string[] = [];
  readonly #records: string[] = [];
  readonly #outcomes: (OutcomeWrite | undefined)[] = [];
  /** The profile of each; 0 for no outcome. */
  readonly #each: number[] = [];
  /** Whether all have the same profile. */
  #uniform = true;
  /** The last profile that was used: nearly always the next one's too. */
  #last: { readonly ttl: number; readonly replyTo: string | undefined; readonly number: number } | undefined;

  constructor(keys: Keys, consumer: string, ofMembers = false) {
    this.#keys = keys;
    this.#consumer = consumer;
    this.members = ofMembers ? new MemberRows(keys) : undefined;
  }

  get size(): number {
    return this.deliveries.length;
  }

  get full(): boolean {
    return this.deliveries.length >= mostDeliveries;
  }

  add(delivery: StreamDelivery, { outcome, record, join }: EncodedOutcome): void {
    const { id } = delivery.content;
    this.deliveries.push(delivery);
    this.#entries.push(delivery.entry);
    this.#ids.push(outcome?.record.id ?? id);
    if (outcome && outcome.record.id !== id) this.aliases.push(id);
    this.#records.push(record);
    this.#outcomes.push(outcome);
    if (join) this.members?.add(join);
    const profile = outcome ? this.#profileOf(outcome) : 0;
    this.#uniform &&= this.#each.length === 0 || this.#each[0] === profile;
    this.#each.push(profile);
  }

  /** The arguments of stream-ack. */
  args(): (string | number)[] {
    const head = [group, this.#consumer, this.#keys.result(''), this.size, this.#entries.join('\n')];
    const profile = this.#uniform ? (this.#each[0] ?? 0) : this.#each.join('\n');
    return [...head, ...joinTexts(this.#ids), this.#records.join('\n'), profile, ...this.#profiles];
  }

  /** Remembers the outcomes that are stored now: all but those of these places. */
  noteEnded(ended: EndedLog, except: readonly number[]): void {
    for (let index = 0; index < this.#outcomes.length; index += 1) {
      const outcome = this.#outcomes[index];
      if (outcome && !(except.length > 0 && except.includes(index)))
        ended.note(outcome, (this.#records[index] as string).length);
    }
  }

  /** A batch of these deliveries alone. */
  only(indexes: readonly number[]): AckBatch {
    const batch = new AckBatch(this.#keys, this.#consumer, this.members !== undefined);
    batch.#profiles.push(...this.#profiles);
    batch.#uniform = this.#uniform;
    for (const index of indexes) {
      batch.deliveries.push(this.deliveries[index] as StreamDelivery);
      batch.#entries.push(this.#entries[index] as string);
      batch.#ids.push(this.#ids[index] as string);
      batch.#records.push(this.#records[index] as string);
      batch.#outcomes.push(this.#outcomes[index]);
      batch.#each.push(this.#each[index] as number);
      if (this.members) batch.members?.add(this.members.joins[index] as AckJoin);
    }
    return batch;
  }

  /** A profile is what many outcomes share: how long they are kept, and whose waiter is told. */
  #profileOf({ ttl, replyTo }: OutcomeWrite): number {
    if (this.#last?.ttl === ttl && this.#last.replyTo === replyTo) return this.#last.number;
    const row = [Math.max(1, Math.floor(ttl)), replyTo === undefined ? '' : this.#keys.inbox(replyTo)] as const;
    let number = 0;
    for (let at = 0; at < this.#profiles.length && number === 0; at += 2) {
      if (this.#profiles[at] === row[0] && this.#profiles[at + 1] === row[1]) number = at / 2 + 1;
    }
    if (number === 0) {
      this.#profiles.push(...row);
      number = this.#profiles.length / 2;
    }
    this.#last = { ttl, replyTo, number };
    return number;
  }
}

/** A member that is stored and not acknowledged. */
export interface OpenMember {
  /** Its place in the batch, from 0. */
  readonly place: number;
  readonly join: AckJoin;
  readonly state: JoinState;
}

/** What a join answers whose outcome was not stored, since another final one stands. */
const refused: JoinState = { done: 0, failed: 0, complete: false, refused: true };

/** The members of groups in one batch of acks, as what stream-ack is told of them beside. */
export class MemberRows {
  /** In the order of the deliveries. */
  readonly joins: AckJoin[] = [];
  readonly #keys: Keys;
  /** Groups by their ids, with their numbers from 1. */
  readonly #groups = new Map<string, number>();
  readonly #lines: string[] = [];
  readonly #groupKeys: string[] = [];
  readonly #groupArgs: (string | number)[] = [];

  constructor(keys: Keys) {
    this.#keys = keys;
  }

  add(join: AckJoin): void {
    this.joins.push(join);
    this.#lines.push(`${this.#groups.get(join.groupId) ?? this.#open(join)} ${join.index}`);
  }

  /** The keys after those of stream-ack. */
  keys(): readonly string[] {
    return this.#groupKeys;
  }

  /** The arguments after those of stream-ack. */
  args(): readonly (string | number)[] {
    return [this.#lines.join('\n'), ...this.#groupArgs];
  }

  /** Reads what stream-ack-members returns of those that it left open. */
  open(flat: readonly number[]): readonly OpenMember[] {
    const members: OpenMember[] = [];
    for (let at = 0; at < flat.length; at += 4) {
      const [place, done, failed, state] = flat.slice(at, at + 4) as [number, number, number, number];
      members.push({
        place,
        join: this.joins[place] as AckJoin,
        state: state === -1 ? refused : { done, failed, complete: true },
      });
    }
    return members;
  }

  #open({ groupId, ttl, size }: AckJoin): number {
    const { joinEnded, joinFailed, joinSize } = this.#keys;
    const number = this.#groups.size + 1;
    this.#groups.set(groupId, number);
    this.#groupKeys.push(joinEnded(groupId), joinFailed(groupId), joinSize(groupId));
    this.#groupArgs.push(Math.max(1, Math.floor(ttl)), size ?? '');
    return number;
  }
}
