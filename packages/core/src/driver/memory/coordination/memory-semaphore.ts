import type { Clock } from '../../../clock.ts';
import {
  type AcquireRequest,
  type AcquireResult,
  type HeldSlot,
  memberOf,
  type ReconcileRequest,
  recheckAfter,
  type Semaphore,
  type SlotHolder,
  slotHolderOf,
} from '../../semaphore.ts';

interface Group {
  readonly name: string;
  limit: number;
  /** The tag of the one who got in last: where flows that come anew begin. */
  turn: number;
  /** Member → when it got in; halted ones are in {@link MemorySemaphore} besides. */
  readonly holders: Map<string, number>;
  /** Member → tag. In the order of the tags. */
  line: { readonly member: string; readonly tag: number }[];
  readonly waiting: Set<string>;
  /** Flow → the tag behind its last one. */
  readonly flows: Map<string, number>;
  checkAt: number;
}

/** Who holds and who waits for slots. */
export interface SemaphoreState {
  readonly groups: Map<string, Group>;
  /** Group → member. */
  readonly halted: Map<string, string>;
  fence: number;
  checkedAt: number;
}

/**
 * Start-time fair queueing: each entry is tagged with the end of its flow's last one, or with the tag of whoever got in
 * last where its flow has none waiting, and the lowest tag goes first. With one flow that is first come first served.
 */
export class MemorySemaphore implements Semaphore {
  readonly #clock: Clock;
  readonly state: SemaphoreState;

  constructor(clock: Clock, state: SemaphoreState = { groups: new Map(), halted: new Map(), fence: 0, checkedAt: 0 }) {
    this.#clock = clock;
    this.state = state;
  }

  async acquire(entries: readonly AcquireRequest[]): Promise<AcquireResult> {
    const own = new Set(entries.map((entry) => `${entry.group} ${memberOf(entry)}`));
    const acquired: SlotHolder[] = [];
    const fences = entries.map((entry) => this.#enter(entry, acquired));
    return { fencingTokens: fences, others: acquired.filter((place) => !own.has(`${place.group} ${memberOf(place)}`)) };
  }

  async release(places: readonly SlotHolder[], only?: 'holders'): Promise<readonly SlotHolder[]> {
    const acquired: SlotHolder[] = [];
    for (const place of places) {
      const group = this.state.groups.get(place.group);
      if (group && (only === undefined || group.holders.has(memberOf(place))))
        this.#leave(group, memberOf(place), acquired);
    }
    return acquired;
  }

  async halt(place: SlotHolder): Promise<boolean> {
    if (!this.state.groups.get(place.group)?.holders.has(memberOf(place))) return false;
    this.state.halted.set(place.group, memberOf(place));
    return true;
  }

  async halted(): Promise<readonly SlotHolder[]> {
    return [...this.state.halted].map(([group, member]) => slotHolderOf(group, member));
  }

  async waitingList(name: string, limit: number): Promise<readonly SlotHolder[]> {
    return (this.state.groups.get(name)?.line ?? []).slice(0, limit).map(({ member }) => slotHolderOf(name, member));
  }

  async has(places: readonly SlotHolder[]): Promise<readonly boolean[]> {
    return places.map((place) => {
      const group = this.state.groups.get(place.group);
      return group !== undefined && (group.holders.has(memberOf(place)) || group.waiting.has(memberOf(place)));
    });
  }

  async overdue({ interval: every, minHeldMs, limit }: ReconcileRequest): Promise<readonly HeldSlot[] | undefined> {
    const now = this.#clock.now();
    if (now - this.state.checkedAt < every) return undefined;
    this.state.checkedAt = now;
    const due = [...this.state.groups.values()].filter((group) => group.checkAt <= now).slice(0, limit);
    return due.flatMap((group) => {
      const youngest = now - Math.max(...group.holders.values());
      const rest = group.line.length > 0 ? 0 : Math.min(youngest, recheckAfter.later);
      group.checkAt = now + Math.max(recheckAfter.soon, rest);
      const old = [...group.holders].filter(
        ([member, since]) => now - since >= minHeldMs && this.state.halted.get(group.name) !== member,
      );
      return old.map(([member, since]) => ({ ...slotHolderOf(group.name, member), heldFor: now - since }));
    });
  }

  #enter(entry: AcquireRequest, acquired: SlotHolder[]): number {
    const group = this.#groupOf(entry);
    const member = memberOf(entry);
    if (entry.replaces) this.#replace(group, memberOf(entry.replaces), member);
    if (!group.holders.has(member) && !group.waiting.has(member)) queue(group, entry, member);
    this.#acquireNext(group, acquired);
    if (group.holders.has(member)) return ++this.state.fence;
    group.checkAt = Math.min(group.checkAt, this.#clock.now() + recheckAfter.soon);
    return 0;
  }

  #replace(group: Group, old: string, member: string): void {
    if (!group.holders.delete(old)) return;
    if (this.state.halted.get(group.name) === old) this.state.halted.delete(group.name);
    group.holders.set(member, this.#clock.now());
  }

  #leave(group: Group, member: string, acquired: SlotHolder[]): void {
    if (group.holders.delete(member) && this.state.halted.get(group.name) === member)
      this.state.halted.delete(group.name);
    if (group.waiting.delete(member)) group.line = group.line.filter((one) => one.member !== member);
    this.#acquireNext(group, acquired);
  }

  /** Gives free places to those who wait. A group that is empty is forgotten. */
  #acquireNext(group: Group, acquired: SlotHolder[]): void {
    while (group.holders.size < group.limit) {
      const head = group.line.shift();
      if (head === undefined) break;
      group.waiting.delete(head.member);
      group.holders.set(head.member, this.#clock.now());
      group.turn = head.tag;
      for (const [flow, end] of group.flows) if (end <= group.turn) group.flows.delete(flow);
      acquired.push(slotHolderOf(group.name, head.member));
    }
    if (group.holders.size === 0 && group.line.length === 0) this.state.groups.delete(group.name);
  }

  #groupOf({ group: name, limit }: AcquireRequest): Group {
    const known = this.state.groups.get(name);
    if (known) {
      known.limit = limit;
      return known;
    }
    const checkAt = this.#clock.now() + recheckAfter.later;
    const empty = { holders: new Map(), line: [], waiting: new Set<string>(), flows: new Map() };
    const group: Group = { name, limit, turn: 0, checkAt, ...empty };
    this.state.groups.set(name, group);
    return group;
  }
}

/** Puts a member into the line, before the first one with a larger tag. */
function queue(group: Group, { flow = '', cost = 1 }: AcquireRequest, member: string): void {
  const tag = Math.max(group.turn, group.flows.get(flow) ?? 0);
  group.flows.set(flow, tag + cost);
  group.waiting.add(member);
  let low = 0;
  let high = group.line.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((group.line[middle] as { tag: number }).tag <= tag) low = middle + 1;
    else high = middle;
  }
  group.line.splice(low, 0, { member, tag });
}
