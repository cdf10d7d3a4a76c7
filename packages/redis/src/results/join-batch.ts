import type { JoinMember, JoinState } from '@lovage/core/driver';

/** A member whose outcome is stored with its join. */
export type EndedMember = JoinMember & Required<Pick<JoinMember, 'outcome'>>;

/** Stores and joins members of one group, in one step of the store. */
export type JoinAll = (members: readonly EndedMember[]) => Promise<readonly JoinState[]>;

/** The most members of one step: bounds the time it holds Redis. */
const mostMembers = 200;

interface Waiting {
  readonly member: EndedMember;
  resolve(state: JoinState): void;
  reject(error: unknown): void;
}

/**
 * Members of a group that end in the same turn of the event loop join in one command: one for each would cost a worker more
 * than running them (P8).
 */
export class JoinBatch {
  readonly #joinAll: JoinAll;
  readonly #groups = new Map<string, Waiting[]>();

  constructor(joinAll: JoinAll) {
    this.#joinAll = joinAll;
  }

  add(member: EndedMember): Promise<JoinState> {
    return new Promise((resolve, reject) => {
      const waiting = this.#groups.get(member.groupId) ?? this.#open(member.groupId);
      waiting.push({ member, resolve, reject });
      if (waiting.length === mostMembers) this.#send(member.groupId);
    });
  }

  #open(groupId: string): Waiting[] {
    if (this.#groups.size === 0) setImmediate(() => this.#sendAll());
    const waiting: Waiting[] = [];
    this.#groups.set(groupId, waiting);
    return waiting;
  }

  #sendAll(): void {
    for (const groupId of [...this.#groups.keys()]) this.#send(groupId);
  }

  #send(groupId: string): void {
    const waiting = this.#groups.get(groupId) ?? [];
    this.#groups.delete(groupId);
    this.#joinAll(waiting.map(({ member }) => member)).then(
      (states) => {
        for (const [index, { resolve }] of waiting.entries()) resolve(states[index] as JoinState);
      },
      (error: unknown) => {
        for (const { reject } of waiting) reject(error);
      },
    );
  }
}
