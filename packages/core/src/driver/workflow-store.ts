/** The states of a run. The last three are final. */
export const workflowStates = ['SENT', 'RUNNING', 'PARKED', 'DIVERGED', 'SUCCESS', 'FAILURE', 'REVOKED'] as const;
export type WorkflowState = (typeof workflowStates)[number];

/** Whether a run in this state has ended. */
export function isWorkflowEnded(state: WorkflowState): boolean {
  return state === 'SUCCESS' || state === 'FAILURE' || state === 'REVOKED';
}

/**
 * Keeps the logs of workflow runs. Each run has a header, a log of texts by key, and an inbox of what others send it.
 * A worker that takes a run raises its fence (a fencing token); a write with an older fence changes nothing.
 */
export interface WorkflowStore {
  /** Raises the fence and reads the whole run; makes the run if it is new. A run that has ended keeps its state. */
  take(request: TakeRequest): Promise<TakenRun>;
  /** Writes to a run's log and header in one step. `fenced`: another worker has taken the run, nothing was written. */
  append(id: string, change: RunChange): Promise<AppendReply>;
  /**
   * As `append`, unless the inbox holds something newer than `seen`: then `pending`, and nothing is written. A run is
   * parked by it, and a timeout is recorded by it, so that neither overtakes an item that is there already.
   */
  park(id: string, change: RunChange, seen: string): Promise<AppendReply | 'pending'>;
  /** Puts an item into the inbox, once per `key`. */
  deliver(id: string, item: NewInboxItem, create?: NewRun): Promise<Delivered>;
  /** What the inbox holds after that position, oldest first. */
  inbox(id: string, after: string): Promise<readonly InboxItem[]>;
  read(id: string): Promise<StoredRun | undefined>;
  /** Headers of runs, the newest first. */
  list(filter: RunFilter): Promise<readonly RunHeader[]>;
  /** Deletes runs; returns how many there were. */
  forget(ids: readonly string[]): Promise<number>;
  /** Deletes the oldest ended runs beyond what {@link Retention.results} allows. */
  sweep(): Promise<void>;
}

/** What a run is made of when it is new. */
export interface NewRun {
  readonly name: string;
  readonly version?: string;
  /** The queue of its message. */
  readonly queue: string;
  /** Its call, as `writeCall` writes it: what a fork or a retry is sent as. */
  readonly call: string;
  /** Epoch ms by the broker's clock. */
  readonly now: number;
}

/** What {@link WorkflowStore.take} is asked. */
export interface TakeRequest extends NewRun {
  readonly id: string;
  /** Where notifications for the worker go. */
  readonly host: string;
  /** The delivery follows a lost worker or lease. */
  readonly lost: boolean;
}

/** What is known of a run beside its log. */
export interface RunHeader extends Omit<NewRun, 'now'> {
  readonly id: string;
  readonly state: WorkflowState;
  readonly fence: number;
  /** Epoch ms. */
  readonly createdAt: number;
  /** When its state last changed. */
  readonly updatedAt: number;
  /** Where the notifications of the worker that took it last go. */
  readonly host?: string;
  /** Parked: when it wakes by itself. */
  readonly wakeAt?: number;
  /** Parked: what it waits for. Diverged: how. For people. */
  readonly note?: string;
  /** Ended: the outcome, as JSON. */
  readonly outcome?: string;
}

/** A header with its log and inbox. */
export interface StoredRun {
  readonly header: RunHeader;
  readonly log: ReadonlyMap<string, string>;
  readonly inbox: readonly InboxItem[];
}

/** A run that a worker has taken. */
export interface TakenRun extends StoredRun {
  /** How many deliveries in a row followed a lost worker and recorded nothing. */
  readonly lost: number;
}

/** One step of writing. */
export interface RunChange {
  readonly fence: number;
  /** Written where the key is new; a key that is there keeps its text. */
  readonly entries?: readonly (readonly [key: string, text: string])[];
  /** Written over what is there. */
  readonly marks?: readonly (readonly [key: string, text: string])[];
  /** Keys that go. */
  readonly drop?: readonly string[];
  /** Inbox positions that go. */
  readonly consumed?: readonly string[];
  /** The log begins anew before the rest is done. */
  readonly clear?: boolean;
  readonly header?: HeaderChange;
  /** The whole run goes after so many milliseconds. */
  readonly ttl?: number;
  /** Changes a run that has ended; without it that is `fenced`. */
  readonly reopen?: boolean;
}

/** Fields of a header to be written; absent ones stay, `undefined` ones go. */
export interface HeaderChange {
  readonly state?: WorkflowState;
  readonly updatedAt?: number;
  readonly wakeAt?: number | undefined;
  readonly note?: string | undefined;
  readonly outcome?: string | undefined;
  readonly call?: string;
}

export type AppendReply = 'done' | 'fenced';

/** What others send to a run. */
export interface NewInboxItem {
  readonly kind: 'event' | 'child' | 'cancel';
  /** The event's name, or the key of the child's step. */
  readonly name: string;
  /** A second item with this key is dropped. */
  readonly key: string;
  /** JSON. */
  readonly body: string;
}

/** An item of an inbox; positions grow. */
export interface InboxItem extends Omit<NewInboxItem, 'key'> {
  readonly at: string;
}

/** What {@link WorkflowStore.deliver} came to. */
export interface Delivered {
  /** `full`: the inbox holds {@link mostInboxItems} items. `unknown`: there is no such run. */
  readonly status: 'delivered' | 'duplicate' | 'unknown' | 'ended' | 'full';
  readonly header?: Pick<RunHeader, 'state' | 'fence' | 'host' | 'queue'>;
}

/** Which runs. */
export interface RunFilter {
  readonly name?: string;
  readonly states?: readonly WorkflowState[];
  readonly limit: number;
}

/** An inbox holds at most so many items that were not consumed. */
export const mostInboxItems = 10_000;
