import type { Clock } from '../../clock.ts';
import {
  decodeRecord,
  encodeRecord,
  finalRecordPrefix,
  type OutcomeRecord,
  type OutcomeWrite,
} from '../../task/outcome.ts';
import type { JoinMember, JoinState } from '../result-backend.ts';
import { ExpiringMap } from './expiring-map.ts';
import { MemoryTopics } from './memory-topics.ts';

/** Records kept at most; the oldest go first, so that finished work cannot fill the process. */
const maxRecords = 250_000;

interface Join {
  readonly members: Set<number>;
  failed: number;
}

/** The outcome records of one store, as JSON text, with the inboxes that are rung. */
export class MemoryRecords {
  readonly inboxes: MemoryTopics = new MemoryTopics();
  readonly #records: ExpiringMap<string>;
  readonly #joins: ExpiringMap<Join>;

  constructor(clock: Clock) {
    this.#records = new ExpiringMap(clock, maxRecords);
    this.#joins = new ExpiringMap(clock);
  }

  /** Stores all or, when one cannot be encoded, none. A final record stays; what is then stored is what rings. */
  put(writes: readonly OutcomeWrite[]): void {
    const texts = writes.map((write) => encodeRecord(write.record));
    for (const [index, write] of writes.entries()) this.#putOne(write, texts[index] as string);
  }

  get(id: string): OutcomeRecord | undefined {
    const text = this.#records.get(id);
    return text === undefined ? undefined : decodeRecord(text);
  }

  forget(id: string): void {
    this.#records.delete(id);
  }

  join(member: JoinMember): JoinState {
    const { groupId, index, size, succeeded, ttl } = member;
    const join = this.#joins.get(groupId) ?? { members: new Set<number>(), failed: 0 };
    if (!join.members.has(index)) {
      join.members.add(index);
      if (!succeeded) join.failed += 1;
      this.#joins.set(groupId, join, ttl);
    }
    const done = join.members.size;
    return { done, failed: join.failed, complete: done >= size };
  }

  #putOne({ record, ttl, replyTo }: OutcomeWrite, text: string): void {
    const stored = this.#records.get(record.id);
    if (stored?.startsWith(finalRecordPrefix)) {
      if (replyTo !== undefined && text.startsWith(finalRecordPrefix)) this.inboxes.publish(replyTo, stored);
      return;
    }
    this.#records.set(record.id, text, ttl);
    if (replyTo !== undefined) this.inboxes.publish(replyTo, text);
  }
}
