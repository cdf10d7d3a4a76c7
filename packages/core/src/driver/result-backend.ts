import type { OutcomeRecord, OutcomeWrite } from '../message/outcome.ts';

/** Keeps outcomes and tells those who wait. The stored record is the truth; the inbox is a doorbell. */
export interface ResultBackend {
  /**
   * Stores records; tells of each whether it stands now. A final record is never overwritten: false says that one stood
   * there already, which may be the same one, put before. A repeated one rings again, and does not live
   * longer than it says now; with `stopsMessage` for as long as it says.
   */
  put(writes: readonly OutcomeWrite[]): Promise<readonly boolean[]>;
  /** The records of these ids, in order; undefined where there is none. */
  get(ids: readonly string[]): Promise<readonly (OutcomeRecord | undefined)[]>;
  /**
   * Listens at an inbox address; resolves when rings from now on arrive. Rings may be lost, never invented. A store may
   * leave out the ring of a group's member that `wants` says no to, unread: whoever waits for a member asks the store first.
   */
  watch(
    inbox: string,
    listener: (notification: ResultNotification) => void,
    wants?: (id: string) => boolean,
  ): Promise<Subscription>;
  /**
   * Records which member of a group finished; repeating it changes nothing. With an `outcome`, that is stored first, as
   * by `put`, in the same step; where another one stands the member is not recorded.
   */
  join(member: JoinMember): Promise<JoinState>;
  /**
   * Lets tasks run again that ended as FAILURE: stores these records, which are not final, in place of final ones of that state, or
   * where there is none. Of each, whether it is open now; one that is open already stays as it is, and so does one that ended otherwise.
   * Absent: failures of this store cannot be run again under their ids.
   */
  reopen?(writes: readonly OutcomeWrite[]): Promise<readonly boolean[]>;
  /** Deletes records. */
  forget(ids: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** A record was stored for a task of this inbox. Carries the record itself where it is small. */
export interface ResultNotification {
  readonly id: string;
  readonly record?: OutcomeRecord;
}

/** A listener that can be stopped. */
export interface Subscription {
  close(): Promise<void>;
}

/** One member of a group that ended. */
export interface JoinMember {
  readonly groupId: string;
  readonly index: number;
  /** How many members there are in all. Absent: as many as one of them has told or will tell; not complete until then. */
  readonly size?: number;
  /** Tells the size to those that do not know it. */
  readonly announcesSize?: boolean;
  /** Whether it ended SUCCESS. */
  readonly succeeded: boolean;
  /** How long the join is remembered after its last change, in milliseconds; once complete, an hour at most. */
  readonly ttl: number;
  /** The member's outcome, to be stored with it. */
  readonly outcome?: OutcomeWrite;
}

/** How far a group is. */
export interface JoinState {
  readonly done: number;
  readonly failed: number;
  /** All members have ended. */
  readonly complete: boolean;
  /** The outcome was not stored, since another one stands. */
  readonly refused?: true;
}
