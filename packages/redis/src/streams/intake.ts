import type { Clock } from '@lovage/core/driver';
import type { RedisClient, RedisClients } from '../connection.ts';
import { BlockingRead } from './blocking-read.ts';
import type { RawEntry } from './entry.ts';
import type { HeldDeliveries } from './held-deliveries.ts';
import { Reader } from './reader.ts';
import { Strays } from './strays.ts';
import type { QueueStream, StreamQueue } from './stream-queue.ts';

/** What an intake is made of. */
export interface IntakeParts {
  readonly clients: RedisClients;
  /** Fetches and settles. */
  readonly client: RedisClient;
  readonly clock: Clock;
  /** The name of our consumer in the group, and of its connection. */
  readonly consumer: string;
  readonly worker: string;
  /** Every delivery that is not over. */
  readonly held: HeldDeliveries;
  /** How many more messages can be run. */
  readonly room: () => number;
  readonly take: (stream: QueueStream, entries: readonly RawEntry[]) => void;
  /** Puts back what a paused queue has handed out. */
  readonly giveBack: (stream: QueueStream, entries: readonly RawEntry[]) => void;
  /** Makes the streams and groups of a queue anew. */
  readonly reopen: (queue: StreamQueue) => Promise<void>;
  /** Called when a read has ended: whose turn is it? */
  readonly onRead: () => void;
  readonly onError: (error: Error) => void;
}

/** One way in of messages: what fetches, what waits, and what finds those that were lost on the way. */
export class Intake {
  readonly reader: Reader;
  readonly strays: Strays;
  readonly #blocking: BlockingRead;

  static async open(parts: IntakeParts): Promise<Intake> {
    const { clients, clock, consumer, worker } = parts;
    return new Intake(parts, await BlockingRead.open({ clients, clock, consumer }, worker));
  }

  private constructor(parts: IntakeParts, blocking: BlockingRead) {
    const { client, consumer, held } = parts;
    this.#blocking = blocking;
    this.strays = new Strays({ consumer, client, blocking, held, onDoubt: () => this.reader.doubt() });
    this.reader = new Reader({ ...parts, blocking, strays: this.strays });
  }

  /** Ends its connection. */
  close(): void {
    this.strays.close();
    this.#blocking.close();
  }
}
