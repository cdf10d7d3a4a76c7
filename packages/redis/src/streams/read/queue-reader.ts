import type { RedisClients } from '../../connection.ts';
import { BlockingRead } from './blocking-read.ts';
import type { HeldDeliveries } from './in-flight-deliveries.ts';
import { Strays } from './pending-recovery.ts';
import { Reader, type ReaderParts } from './reader.ts';

/** What an intake is made of. */
export interface IntakeParts extends Omit<ReaderParts, 'blocking' | 'strays'> {
  readonly clients: RedisClients;
  readonly worker: string;
  /** Every delivery that is not over. */
  readonly held: HeldDeliveries;
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
