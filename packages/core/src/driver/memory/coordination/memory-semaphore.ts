import type { Clock } from '../../../clock.ts';
import {
  type Admission,
  type AdmissionEntry,
  type Admitted,
  type HeldPlace,
  type Look,
  lookAgain,
  memberOf,
  type Place,
  placeOf,
} from '../../semaphore.ts';

interface Group {
  readonly name: string;
  limit: number;
  /** The tag of the one who got in last: where flows that come anew begin. */
  turn: number;
  /** Member → when it got in; halted ones are in {@link MemoryAdmission} besides. */
  readonly holders: Map<string, number>;
  /** Member → tag. In the order of the tags. */
  line: { readonly member: string; readonly tag: number }[];
  readonly waiting: Set<string>;
  /** Flow → the tag behind its last one. */
  readonly flows: Map<string, number>;
  lookAt: number;
}

/**
 * Start-time fair queueing: each entry is tagged with the end of its flow's last one, or with the tag of whoever got in
 * last where its flow has none waiting, and the lowest tag goes first. With one flow that is first come first served.
 */
export class MemoryAdmission implements Admission {
  readonly #clock: Clock;
  readonly #groups = new Map<string, Group>();
  /** Group → member. */
  readonly #halted = new Map<string, string>();
  #fence = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async enter(entries: readonly AdmissionEntry[]): Promise<Admitted> {
    const own = new Set(entries.map((entry) => `${entry.group} ${memberOf(entry)}`));
    const admitted: Place[] = [];
    const fences = entries.map((entry) => this.#enter(entry, admitted));
    return { fences, others: admitted.filter((place) => !own.has(`${place.group} ${memberOf(place)}`)) };
  }

  async leave(places: readonly Place[], only?: 'holders'): Promise<readonly Place[]> {
    const admitted: Place[] = [];
    for (const place of places) {
      const group = this.#groups.get(place.group);
      if (group && (only === undefined || group.holders.has(memberOf(place))))
        this.#leave(group, memberOf(place), admitted);
    }
    return admitted;
  }

  async halt(place: Place): Promise<boolean> {
    if (!this.#groups.get(place.group)?.holders.has(memberOf(place))) return false;
    this.#halted.set(place.group, memberOf(place));
    return true;
  }

  async halted(): Promise<readonly Place[]> {
    return [...this.#halted].map(([group, member]) => placeOf(group, member));
  }

  async line(name: string, limit: number): Promise<readonly Place[]> {
    return (this.#groups.get(name)?.line ?? []).slice(0, limit).map(({ member }) => placeOf(name, member));
  }

  async knows(places: readonly Place[]): Promise<readonly boolean[]> {
    return places.map((place) => {
      const group = this.#groups.get(place.group);
      return group !== undefined && (group.holders.has(memberOf(place)) || group.waiting.has(memberOf(place)));
    });
  }

  async overdue({ every, patience, limit }: Look): Promise<readonly HeldPlace[] | undefined> {
    const now = this.#clock.now();
    if (now - this.#lookedAt < every) return undefined;
    this.#lookedAt = now;
    const due = [...this.#groups.values()].filter((group) => group.lookAt <= now).slice(0, limit);
    return due.flatMap((group) => {
      const youngest = now - Math.max(...group.holders.values());
      const rest = group.line.length > 0 ? 0 : Math.min(youngest, lookAgain.later);
      group.lookAt = now + Math.max(lookAgain.soon, rest);
      const old = [...group.holders].filter(
        ([member, since]) => now - since >= patience && this.#halted.get(group.name) !== member,
      );
      return old.map(([member, since]) => ({ ...placeOf(group.name, member), heldFor: now - since }));
    });
  }

  #enter(entry: AdmissionEntry, admitted: Place[]): number {
    const group = this.#groupOf(entry);
    const member = memberOf(entry);
    if (entry.replaces) this.#replace(group, memberOf(entry.replaces), member);
    if (!group.holders.has(member) && !group.waiting.has(member)) queue(group, entry, member);
    this.#admit(group, admitted);
    if (group.holders.has(member)) return ++this.#fence;
    group.lookAt = Math.min(group.lookAt, this.#clock.now() + lookAgain.soon);
    return 0;
  }

  #replace(group: Group, old: string, member: string): void {
    if (!group.holders.delete(old)) return;
    if (this.#halted.get(group.name) === old) this.#halted.delete(group.name);
    group.holders.set(member, this.#clock.now());
  }

  #leave(group: Group, member: string, admitted: Place[]): void {
    if (group.holders.delete(member) && this.#halted.get(group.name) === member) this.#halted.delete(group.name);
    if (group.waiting.delete(member)) group.line = group.line.filter((one) => one.member !== member);
    this.#admit(group, admitted);
  }

  /** Gives free places to those who wait. A group that is empty is forgotten. */
  #admit(group: Group, admitted: Place[]): void {
    while (group.holders.size < group.limit) {
      const head = group.line.shift();
      if (head === undefined) break;
      group.waiting.delete(head.member);
      group.holders.set(head.member, this.#clock.now());
      group.turn = head.tag;
      for (const [flow, end] of group.flows) if (end <= group.turn) group.flows.delete(flow);
      admitted.push(placeOf(group.name, head.member));
    }
    if (group.holders.size === 0 && group.line.length === 0) this.#groups.delete(group.name);
  }

  #groupOf({ group: name, limit }: AdmissionEntry): Group {
    const known = this.#groups.get(name);
    if (known) {
      known.limit = limit;
      return known;
    }
    const lookAt = this.#clock.now() + lookAgain.later;
    const empty = { holders: new Map(), line: [], waiting: new Set<string>(), flows: new Map() };
    const group: Group = { name, limit, turn: 0, lookAt, ...empty };
    this.#groups.set(name, group);
    return group;
  }
}

/** Puts a member into the line, before the first one with a larger tag. */
function queue(group: Group, { flow = '', cost = 1 }: AdmissionEntry, member: string): void {
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
