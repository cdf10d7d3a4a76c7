import type { Clock } from '../../../clock.ts';
import {
  decodeRecord,
  encodeRecord,
  finalRecordPrefix,
  isFinal,
  type OutcomeRecord,
  type OutcomeWrite,
} from '../../../message/outcome.ts';
import type { JoinMember, JoinState } from '../../result-backend.ts';
import { defaultRetention, isSweepable, type Retention } from '../../retention.ts';
import { ExpiringMap } from '../expiring-map.ts';
import { MemoryTopics } from '../memory-topics.ts';

/** A complete join is kept that long, for members that come again, in milliseconds. */
const completeTtl = 3_600_000;

interface Join {
  readonly members: Set<number>;
  failed: number;
  size: number | undefined;
}

/** The outcome records of one store, as JSON text, with the inboxes that are rung. */
export class MemoryRecords {
  readonly inboxes: MemoryTopics = new MemoryTopics();
  readonly #clock: Clock;
  readonly #records: ExpiringMap<string>;
  readonly #joins: ExpiringMap<Join>;
  readonly #ended: EndedRecords;

  constructor(clock: Clock, retention: Retention = defaultRetention) {
    this.#clock = clock;
    this.#records = new ExpiringMap(clock);
    this.#joins = new ExpiringMap(clock);
    this.#ended = new EndedRecords(this.#records, retention);
  }

  /** Lets go what is over and too much. */
  sweep(): void {
    this.#ended.trim(this.#clock.now(), true);
  }

  /** Stores all or, when one cannot be encoded, none. A final record stays; what is then stored is what rings. */
  put(writes: readonly OutcomeWrite[]): readonly boolean[] {
    const texts = writes.map((write) => encodeRecord(write.record, write.valueText));
    const stored = writes.map((write, index) => this.#putOne(write, texts[index] as string));
    this.#ended.trim(this.#clock.now(), false);
    return stored;
  }

  get(id: string): OutcomeRecord | undefined {
    const text = this.#records.get(id);
    return text === undefined ? undefined : decodeRecord(text);
  }

  reopen({ record, ttl }: OutcomeWrite): boolean {
    const stored = this.get(record.id);
    if (stored && !isFinal(stored)) return true;
    if (stored && stored.state !== 'FAILURE') return false;
    this.#records.set(record.id, encodeRecord(record), ttl);
    return true;
  }

  forget(id: string): void {
    this.#records.delete(id);
  }

  join(member: JoinMember): JoinState {
    const { groupId, index, succeeded, ttl, outcome } = member;
    if (outcome && !this.put([outcome])[0]) return { done: 0, failed: 0, complete: false, refused: true };
    const join = this.#joins.get(groupId) ?? { members: new Set<number>(), failed: 0, size: undefined };
    if (member.announcesSize) join.size = member.size;
    const size = member.size ?? join.size ?? Number.POSITIVE_INFINITY;
    const fresh = !join.members.has(index);
    if (fresh) join.members.add(index);
    if (fresh && !succeeded) join.failed += 1;
    const done = join.members.size;
    const complete = done >= size;
    if (complete) this.#joins.set(groupId, join, Math.min(ttl, completeTtl));
    else if (fresh || member.announcesSize) this.#joins.set(groupId, join, ttl);
    return { done, failed: join.failed, complete };
  }

  #putOne(write: OutcomeWrite, text: string): boolean {
    const { record, ttl, replyTo } = write;
    const stored = this.#records.get(record.id);
    if (stored === text) this.#keep(write, text);
    if (stored?.startsWith(finalRecordPrefix)) {
      if (replyTo !== undefined && text.startsWith(finalRecordPrefix)) this.inboxes.publish(replyTo, stored);
      return false;
    }
    this.#records.set(record.id, text, ttl);
    this.#note(write, text);
    if (replyTo !== undefined) this.inboxes.publish(replyTo, text);
    return true;
  }

  /** The same record again: it may be kept for another time, and may not have to stop a message any more. */
  #keep(write: OutcomeWrite, text: string): void {
    if (write.stopsMessage) this.#records.set(write.record.id, text, write.ttl);
    else this.#records.shorten(write.record.id, write.ttl);
    this.#note(write, text);
  }

  #note({ record, stopsMessage }: OutcomeWrite, text: string): void {
    if (!stopsMessage) this.#ended.add(record, text, this.#clock.now());
  }
}

/** Past so many times the bounds, what is older goes although it is young: a process must not run out of memory. */
const overflow = 5;

interface Ended {
  readonly id: string;
  readonly bytes: number;
  readonly at: number;
}

/** First in, first out. */
class Line {
  #items: (Ended | undefined)[] = [];
  #first = 0;

  get first(): Ended | undefined {
    return this.#items[this.#first];
  }

  get size(): number {
    return this.#items.length - this.#first;
  }

  push(ended: Ended): void {
    this.#items.push(ended);
  }

  shift(): void {
    this.#items[this.#first++] = undefined;
    if (this.#first < 1024 || this.#first * 2 < this.#items.length) return;
    this.#items = this.#items.slice(this.#first); // once the gone are the majority: constant cost each
    this.#first = 0;
  }
}

/**
 * The finished records of a store in the order in which they came, so that the oldest go when there are too many, or they
 * take too much. What a canvas may still need is not among them: it goes with its own time only.
 */
export class EndedRecords {
  readonly #records: ExpiringMap<string>;
  readonly #retention: Retention;
  /** Failures have a bound of their own: many successes do not push the one failure out that somebody looks for. */
  readonly #lines = { results: new Line(), failures: new Line() };
  #bytes = 0;

  constructor(records: ExpiringMap<string>, retention: Retention) {
    this.#records = records;
    this.#retention = retention;
  }

  /** Takes in a record that was just stored. */
  add(record: OutcomeRecord, text: string, now: number): void {
    if (!isFinal(record) || !isSweepable(record)) return;
    const bytes = text.length + record.id.length;
    this.#lines[record.state === 'FAILURE' ? 'failures' : 'results'].push({ id: record.id, bytes, at: now });
    this.#bytes += bytes;
  }

  /** Deletes what is too much, the oldest first. `thorough`: what expired or was forgotten is let go of, too. */
  trim(now: number, thorough: boolean): void {
    for (const name of ['results', 'failures'] as const) {
      const line = this.#lines[name];
      for (let oldest = line.first; oldest; oldest = line.first) {
        const over = Math.max(line.size / this.#retention[name], this.#bytes / this.#retention.bytes);
        const tooMuch = over > 1 && (oldest.at <= now - this.#retention.grace || over > overflow);
        if (!tooMuch && !(thorough && this.#records.get(oldest.id) === undefined)) break;
        if (tooMuch) this.#records.delete(oldest.id);
        this.#bytes -= oldest.bytes;
        line.shift();
      }
    }
  }
}
