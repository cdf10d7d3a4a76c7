import type { RedisClients } from '../../connection.ts';
import { BlockingRead } from './blocking-read.ts';
import type { InFlightDeliveries } from './in-flight-deliveries.ts';
import { PendingRecovery } from './pending-recovery.ts';
import { Reader, type ReaderParts } from './reader.ts';

/** What an intake is made of. */
export interface QueueReaderParts extends Omit<ReaderParts, 'blocking' | 'pendingRecovery'> {
  readonly clients: RedisClients;
  readonly worker: string;
  /** Every delivery that is not over. */
  readonly held: InFlightDeliveries;
}

/** One way in of messages: what fetches, what waits, and what finds those that were lost on the way. */
export class QueueReader {
  readonly reader: Reader;
  readonly pendingRecovery: PendingRecovery;
  readonly #blocking: BlockingRead;

  static async open(parts: QueueReaderParts): Promise<QueueReader> {
    const { clients, clock, consumer, worker } = parts;
    return new QueueReader(parts, await BlockingRead.open({ clients, clock, consumer }, worker));
  }

  private constructor(parts: QueueReaderParts, blocking: BlockingRead) {
    const { client, consumer, held } = parts;
    this.#blocking = blocking;
    this.pendingRecovery = new PendingRecovery({
      consumer,
      client,
      blocking,
      held,
      onSuspected: () => this.reader.requestRecovery(),
    });
    this.reader = new Reader({ ...parts, blocking, pendingRecovery: this.pendingRecovery });
  }

  /** Ends its connection. */
  close(): void {
    this.reader.close();
    this.pendingRecovery.close();
    this.#blocking.close();
  }
}
