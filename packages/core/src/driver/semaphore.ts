/**
 * Decides who is in: each group has so many places, and a line of those who wait for one. What is here is told apart by
 * group, queue and id; entering and leaving twice changes nothing, so that a message that comes again keeps its place.
 * Places have no lease: the message that holds one comes again when its worker dies, and whoever looks at
 * {@link Semaphore.overdue} takes the places of messages that are gone.
 */
export interface Semaphore {
  /**
   * Takes a place for each entry, or the last turn in the line where none is free. The line is first come first served
   * within a flow; flows of one group take turns, each as often as its cost allows. Places that are free and have somebody
   * waiting are given away first.
   */
  acquire(entries: readonly AcquireRequest[], urgency?: Urgency): Promise<AcquireResult>;
  /**
   * Gives places, or turns, back. Returns the places of those who are in now instead; wake their messages. With `'holders'`
   * turns in the line stay: whoever comes too late to leave must not take one that was taken since.
   */
  release(places: readonly SlotHolder[], only?: 'holders'): Promise<readonly SlotHolder[]>;
  /**
   * As {@link Semaphore.release} of a holder, whose limit counts; and makes the held messages of those who are in now ready in
   * the same step: at the end of their priority, or `first` of it and with a {@link GrantedSlot}. Returns the places of those whose
   * messages it did not find held; wake them as after a leave. Absent where places and messages do not lie together.
   */
  releaseAndUnblock?(entry: AcquireRequest, first: boolean): Promise<readonly SlotHolder[]>;
  /** Keeps a place for good, until its holder leaves or is replaced: nobody else gets in. False when it is not a holder's. */
  halt(place: SlotHolder): Promise<boolean>;
  /** The places that are kept for good. */
  halted(): Promise<readonly SlotHolder[]>;
  /** Whether each of these has a place, or a turn in the line. */
  has(places: readonly SlotHolder[]): Promise<readonly boolean[]>;
  /** The first in the line, at most `limit`. */
  waitingList(group: string, limit: number): Promise<readonly SlotHolder[]>;
  /**
   * Places that have been held for at least `patience` milliseconds and have not been looked at for some time: two seconds
   * where somebody waits, else as long again as the youngest place has been held by then, up to ten minutes. Of all who ask
   * within `every` milliseconds one gets an answer, the others undefined.
   */
  overdue(look: ReconcileRequest): Promise<readonly HeldSlot[] | undefined>;
}

/** Somebody who wants in. */
export interface AcquireRequest extends SlotHolder {
  /** How many places the group has, from 1; the last one who enters decides. */
  readonly limit: number;
  /** Whose turn it takes in the line. @default one flow for all: first come first served */
  readonly flow?: string;
  /** How much of its flow's share it takes: 1 divided by the flow's weight. @default 1 */
  readonly cost?: number;
  /** Takes over the place of this one, where it holds one. */
  readonly replaces?: Pick<SlotHolder, 'queue' | 'id'>;
}

/** `must`: also when the store is full, as the work that would empty it has to. */
export type Urgency = 'must' | 'may';

/** A place in a group, or a turn in its line: whose it is. */
export interface SlotHolder {
  readonly group: string;
  /** Where its message is. */
  readonly queue: string;
  /** The task's id. */
  readonly id: string;
}

/** A place that was given to a message in the step that made it ready. It is good for one delivery. */
export interface GrantedSlot {
  readonly group: string;
  /** The fencing token, as {@link AcquireResult.fencingTokens}. */
  readonly fence: number;
}

/** A place, and for how many milliseconds it has been held. */
export interface HeldSlot extends SlotHolder {
  readonly heldFor: number;
}

/** What {@link Semaphore.acquire} came to. */
export interface AcquireResult {
  /** For each entry: 0 waits; a larger number is in, and larger than any that was given out before (a fencing token). */
  readonly fencingTokens: readonly number[];
  /** Others who waited and are in now. */
  readonly others: readonly SlotHolder[];
}

/** What {@link Semaphore.overdue} is asked for. */
export interface ReconcileRequest {
  readonly interval: number;
  readonly minHeldMs: number;
  /** How many groups at most. */
  readonly limit: number;
}

/** How soon a group is looked at again: at the soonest, and at the latest; milliseconds. */
export const recheckAfter: { readonly soon: number; readonly later: number } = { soon: 2_000, later: 600_000 };

/** Queue and id as one text, for stores that need one; a queue's name holds no colon. */
export function memberOf({ queue, id }: Pick<SlotHolder, 'queue' | 'id'>): string {
  return `${queue}:${id}`;
}

/** The place of a group's member; undoes {@link memberOf}. */
export function slotHolderOf(group: string, member: string): SlotHolder {
  const colon = member.indexOf(':');
  return { group, queue: member.slice(0, colon), id: member.slice(colon + 1) };
}
