import type { ForeignQueue } from '../message/foreign-queue.ts';
import type { Message } from '../message/message.ts';

/** How many messages stand where in one queue. */
export interface QueueCounts {
  readonly queue: string;
  /** Ready to be run. */
  readonly waiting: number;
  /** Held back until their time, or until their turn. */
  readonly delayed: number;
  /** Of the delayed, those that wait for their turn (ordering key, concurrency key, fair share). */
  readonly blocked: number;
  /** Delivered and not settled. */
  readonly running: number;
  /** Parked dead letters. */
  readonly dead: number;
  /** Whether nothing is handed out of it, see {@link Monitor.setPaused}. */
  readonly paused: boolean;
  /** Why the queue could not be counted (a key of another type, say): the numbers are 0 then. */
  readonly problem?: string;
}

/** Where a message stands, as the broker sees it. */
export type MessageLocation = 'waiting' | 'delayed' | 'running';

/** Some of the messages that a queue holds. */
export interface UndeliveredPage {
  readonly messages: readonly Message[];
  /** Where the next page begins; absent with the last one. */
  readonly next?: string;
}

/** Looks at a broker, and empties queues; never on the path of a task. */
export interface Monitor {
  /** Every queue the broker knows under this prefix. */
  queues(): Promise<readonly string[]>;
  /** A queue as another program's: whose it is, its jobs. Absent: other programs have no queues here. */
  foreign?(queue: string): ForeignQueue;
  counts(queues: readonly string[]): Promise<readonly QueueCounts[]>;
  /** For how many milliseconds the oldest of the waiting messages of each queue has been ready; undefined when none waits. */
  oldest?(queues: readonly string[]): Promise<readonly (number | undefined)[]>;
  /** Where these messages stand; undefined when the broker does not have one. `queues` narrows the search. */
  locate(ids: readonly string[], queues?: readonly string[]): Promise<readonly (MessageLocation | undefined)[]>;
  /** These messages, whether they wait, are delayed or run; undefined for one that is not there or cannot be read. */
  find?(ids: readonly string[], queues?: readonly string[]): Promise<readonly (Message | undefined)[]>;
  /** Deletes waiting and delayed messages; returns their ids, so that waiters can be told. Running ones are not touched. */
  purge(queue: string): Promise<readonly string[]>;
  /**
   * Pauses a queue for every consumer there is or will be, or lets it go on. Durable: it outlives consumers, connections and the
   * store's restart. A paused queue accepts messages, and what runs goes on; what is published after this call resolved is not
   * handed out. Saying it again changes nothing; a queue that is not there yet may be paused. Absent: this broker cannot.
   */
  setPaused?(queue: string, paused: boolean): Promise<void>;
  /** Deletes a queue that nobody consumes any more: everything in it, dead letters too, and its name. */
  drop?(queue: string): Promise<void>;
  /**
   * Messages of a queue that wait or are delayed, a page at a time, in no particular order. One that stays where it is
   * is met at least once; what is no message is left out.
   */
  undelivered?(queue: string, page?: string): Promise<UndeliveredPage>;
  /** Messages of a queue that wait for their turn, in the order of their ids: at most `limit`, without the first `from`. */
  blocked?(queue: string, from: number, limit: number): Promise<readonly Message[]>;
  /**
   * The messages that wait to be handed out next, at most `limit`, in the order of delivery as far as the broker can say; it takes
   * none. What is delayed, runs, was removed or is no message is left out.
   */
  peek?(queue: string, limit: number): Promise<readonly Message[]>;
  /** Removes these messages where they wait or are delayed; running ones are not touched. True for each that was removed. */
  remove?(ids: readonly string[], queues?: readonly string[]): Promise<readonly boolean[]>;
  /**
   * Parks dead letters that never were messages: records of another system that could not be read. Parking one again keeps it
   * twice. Absent: this broker cannot.
   */
  park?(queue: string, letters: readonly ParkedLetter[]): Promise<void>;
  /** The parked dead letters, newest first, at most `limit`; `page` goes on where an earlier answer ended. */
  deadLetters(queue: string, limit: number, page?: DeadLetterPage): Promise<readonly DeadLetter[]>;
  /** Deletes dead letters of a queue by their keys. Returns how many of them were there. */
  removeDeadLetters(queue: string, keys: readonly string[]): Promise<number>;
}

/** Which part of a queue's dead letters. */
export interface DeadLetterPage {
  /** Begin behind the letter of this key, which may be gone by now. @default at the newest (or oldest) one */
  readonly after?: string;
  /** @default false: newest first */
  readonly oldestFirst?: boolean;
}

/** A dead letter that is about to be parked. */
export type ParkedLetter = Omit<DeadLetter, 'key' | 'queue'>;

/** A parked message. */
export interface DeadLetter {
  /** Names this letter within its queue: a task may be parked more than once, and foreign bytes have no id. */
  readonly key: string;
  /** The task's id, as far as it could be read. */
  readonly id: string;
  readonly queue: string;
  readonly task?: string;
  /** When it was parked, epoch ms. */
  readonly at: number;
  readonly reason: { readonly name: string; readonly message: string };
  /** The original bytes as text. */
  readonly body: string;
  /** Why its message cannot be trusted: its signature is missing or not right, or it cannot be decrypted. It is not replayed. */
  readonly untrusted?: string;
}

/** What waits or is delayed in a queue, a page at a time; nothing where the broker cannot say. */
export async function* undeliveredPages(monitor: Monitor, queue: string): AsyncGenerator<readonly Message[]> {
  for (let page: string | undefined; ; ) {
    const found = await monitor.undelivered?.(queue, page);
    if (found === undefined) return;
    yield found.messages;
    if (found.next === undefined) return;
    page = found.next;
  }
}
