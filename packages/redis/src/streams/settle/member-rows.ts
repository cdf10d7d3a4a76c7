import type { AckJoin, JoinState } from '@lovage/core/driver';
import type { Keys } from '../../keys.ts';

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
