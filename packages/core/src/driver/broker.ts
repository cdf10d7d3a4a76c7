import type { Failure } from '../message/failure.ts';
import type { Message } from '../message/message.ts';
import type { ReadableParts } from '../message/message-parser.ts';
import type { OutcomeWrite } from '../message/outcome.ts';
import type { MaybePromise } from '../options/schema.ts';
import type { LeaseGuardPlan, LeaseGuardSource } from './lease-guard.ts';
import type { JoinMember, JoinState } from './result-backend.ts';
import type { GrantedSlot } from './semaphore.ts';

/** Carries messages from publishers to workers. The seam is narrow on purpose: everything else is built above it. */
export interface Broker {
  /**
   * Hands messages over; resolves when the store has durably accepted all of them, and rejects with
   * {@link PublishError} when it refused some. Idempotent by message id while the id is known to the broker.
   * Arguments are encoded before this call returns, so a caller may change its objects afterwards.
   * Deadlines are the caller's (the app's `publishTimeout`): when `signal` aborts, what was not yet handed to the store
   * is dropped, and the promise rejects.
   */
  publish(messages: readonly Message[], signal?: AbortSignal): Promise<void>;
  /** Starts consuming; resolves when the first fetch is under way. */
  consume(request: ConsumeRequest, deliver: Deliver): Promise<Consumer>;
  /**
   * Makes held messages (see {@link blockedUntil}) ready to run: at the end of their priority, or before all others of it.
   * True for each that was held; one that waits, runs, is delayed until a time of its own (unless `timed`) or is not there stays
   * as it is.
   * Absent: this broker cannot, and calls of tasks that need it are refused.
   */
  unblock?(held: readonly BlockedMessage[]): Promise<readonly boolean[]>;
  /** Where the code is that renews the leases of its consumers while their event loop is blocked. @default not needed */
  readonly leaseGuard?: LeaseGuardSource;
  close(): Promise<void>;
}

/** Names a message that is held. */
export interface BlockedMessage {
  readonly queue: string;
  readonly id: string;
  /** Before all others of its priority. @default false */
  readonly first?: boolean;
  /** Also when it is delayed until a time. @default false */
  readonly timed?: boolean;
}

/** 2100-01-01: what is delayed until then or later is held: it waits for its turn, not for a time, and is promoted. */
export const blockedUntil = 4_102_444_800_000;

/** When a message may run: undefined for at once. */
export function visibleAt({ held, eta, rateLine }: Message): number | undefined {
  return held ? blockedUntil : (rateLine?.until ?? eta);
}

/** What a worker asks of a broker. */
export interface ConsumeRequest {
  readonly queues: readonly string[];
  /** How many deliveries this consumer holds at once, over all its queues. */
  readonly slots: number;
  /** The worker's name, as tools of the broker show it. */
  readonly worker: string;
  /** How long a lease lasts without renewal, in milliseconds. The driver renews it while the handler runs. */
  readonly leaseDuration: number;
  /** How often orphans (deliveries whose lease ran out) are looked for, in milliseconds. */
  readonly orphanInterval: number;
  /** Settles an entry of the queue that is no message. */
  readonly malformed: (entry: MalformedEntry) => Promise<Settlement>;
  /** Trouble that the consumer survives: lost connections, failed settlements. */
  readonly onError: (error: Error) => void;
}

/** An entry of a queue that could not be read as a message, with the parts of it that could: see {@link readableParts}. */
export interface MalformedEntry extends ReadableParts {
  readonly queue: string;
  /** Why it could not be read. */
  readonly reason: Failure;
}

/**
 * Push-shaped: the driver owns leases and renewals, the receiver answers each delivery with a settlement. Never throws or
 * rejects. A task that needed no waiting is answered at once: a promise for each step cost a worker 2 µs a task.
 */
export type Deliver = (delivery: Delivery) => MaybePromise<Settlement>;

/** One hand-over of a message to a worker; carries the lease. */
export interface Delivery {
  readonly message: Message;
  readonly queue: string;
  /** 1 for the first; each delivery that follows a lost worker or lease counts one more. Retries and releases do not. */
  readonly deliveryCount: number;
  /**
   * It was handed out before and handed back at once: what became of its task meanwhile (it may have been revoked) is for the
   * receiver to ask. Other deliveries that follow an earlier one may say so too. @default false
   */
  readonly returned?: boolean;
  /**
   * It had ended as failed, and was put back by hand since (BullMQ's `job.retry()`): it runs again, whatever its record says.
   * @default false
   */
  readonly putBack?: boolean;
  /** The place it was handed; not for a delivery that follows a lost lease. Absent: it enters like any other. */
  readonly grant?: GrantedSlot | undefined;
  /** Calls `listener` once when the lease is lost (at once when it is lost already). Costs nothing until it is called. */
  onLeaseLost(listener: () => void): void;
  /**
   * Says that an attempt begins; resolves with how many earlier deliveries said so and ended with a lost lease. Saying it again
   * changes nothing. Asked of repeated deliveries only (`deliveryCount` above 1): a lost delivery need not have been begun, since
   * the reply that carried it may be what was lost. Absent: every delivery before it counts as one that began.
   */
  recordStart?(): Promise<number>;
  /** Takes that back: the attempt goes back to its queue by a settlement. Does nothing when the lease is lost. */
  undoStart?(): Promise<void>;
  /** Calls `listener` once the settlement has been carried out; not when the lease was lost before. One listener. */
  onSettled(listener: Settled): void;
}

/** Told that a delivery is settled: `over`, and its message is gone, or it comes again. */
export type Settled = (over: boolean) => void;

/**
 * A member of a group that ended SUCCESS, to be recorded in the step that stores its outcome and acks: a store command for
 * itself cost a worker more than running it. Where the group is complete by it, or another outcome stands (the member is not
 * recorded then), something is to be done before the ack: the delivery is not settled, and `follow` says how it is to be.
 */
export interface AckJoin extends Pick<JoinMember, 'groupId' | 'index' | 'size' | 'ttl'> {
  /** Never rejects. */
  follow(state: JoinState): Promise<Settlement>;
}

/** What the worker tells the broker about a delivery. */
export type Settlement =
  /** Done. A driver that shares a store with its results writes `outcome` in the same step, before the message goes. */
  | { readonly kind: 'ack'; readonly outcome?: OutcomeWrite }
  /** Done, and a member of a group. Given only to brokers that take it: see `acksWithJoin` of a connection. */
  | { readonly kind: 'ack'; readonly outcome: OutcomeWrite; readonly join: AckJoin }
  /** Replace by this message, visible at `at` (epoch ms). */
  | { readonly kind: 'retryAt'; readonly message: Message; readonly at: number }
  /** Hand back unspent: shutdown, rate limit. Visible at `at`, or at once. */
  | { readonly kind: 'release'; readonly at?: number }
  /** Park it with its reason and original bytes; `outcome` as for ack. */
  | { readonly kind: 'deadLetter'; readonly reason: Failure; readonly outcome?: OutcomeWrite };

/** A running consumer. */
export interface Consumer {
  /** How many deliveries it holds at once, from now on. Running ones are not touched. */
  setSlots(slots: number): void;
  addQueue(queue: string): Promise<void>;
  /** Stops fetching from a queue; deliveries under way go on. */
  removeQueue(queue: string): Promise<void>;
  /** Stops fetching. */
  pause(): void;
  resume(): void;
  /**
   * How often each queue was asked for messages and has answered, by its name: numbers that only grow. A queue that there is
   * no reason to ask is left out: paused, closing, no slot free. Absent: nobody is asked, as in memory, and the worker watches nothing.
   */
  polls?(): ReadonlyMap<string, number>;
  /** Makes its connections and whatever asks for messages anew, for a consumer that does not poll. Deliveries under way go on. Absent: it has none. */
  rebuild?(): Promise<void>;
  /** How a thread renews its leases while the event loop is blocked; undefined, or absent, where nobody else takes them meanwhile. Changes with its queues. */
  leaseGuard?(): LeaseGuardPlan | undefined;
  /**
   * Stops fetching, waits for deliveries under way until `deadline` (milliseconds from now), and gives the rest back
   * unspent. Ends by then even when the store is dead. May be called twice.
   */
  close(deadline: number): Promise<CloseReport>;
}

/** What {@link Consumer.close} left behind. */
export interface CloseReport {
  /** Deliveries handed back unspent. */
  readonly released: number;
  /** Deliveries that could not be handed back (store gone): their leases will run out. */
  readonly abandoned: number;
}
