import type {
  BlockedMessage,
  Broker,
  ConsumeRequest,
  Consumer,
  Deliver,
  Delivery,
  Settlement,
} from '../driver/broker.ts';
import type { LeaseGuardSource } from '../driver/lease-guard.ts';
import type { JoinState } from '../driver/result-backend.ts';
import { PublishError } from '../errors.ts';
import type { Message } from '../message/message.ts';
import { failureOf, type MessageSeal } from './message-seal.ts';
import type { RecordSeal } from './record-seal.ts';

/** A broker whose messages are sealed on the way out and opened on the way in; one that cannot be opened is parked by name. */
export class SealedBroker implements Broker {
  readonly leaseGuard?: LeaseGuardSource;
  readonly unblock?: NonNullable<Broker['unblock']>;
  readonly #inner: Broker;
  readonly #messages: MessageSeal;
  readonly #records: RecordSeal;

  constructor(inner: Broker, messages: MessageSeal, records: RecordSeal) {
    this.#inner = inner;
    this.#messages = messages;
    this.#records = records;
    if (inner.leaseGuard) this.leaseGuard = inner.leaseGuard;
    if (inner.unblock) this.unblock = (held: readonly BlockedMessage[]) => inner.unblock?.(held) ?? Promise.resolve([]);
  }

  async publish(messages: readonly Message[], signal?: AbortSignal): Promise<void> {
    const refused = new Map<string, Error>();
    const sealed = messages.flatMap((message) => {
      try {
        return [this.#messages.seal(message)];
      } catch (error) {
        refused.set(message.id, error as Error); // of the catalogue: see seal
        return [];
      }
    });
    const [first] = refused.values();
    if (first !== undefined && sealed.length === 0) throw messages.length === 1 ? first : new PublishError(refused);
    if (sealed.length > 0) await this.#inner.publish(sealed, signal);
    if (refused.size > 0) throw new PublishError(refused);
  }

  consume(request: ConsumeRequest, deliver: Deliver): Promise<Consumer> {
    const malformed: ConsumeRequest['malformed'] = async (entry) => this.#settlement(await request.malformed(entry));
    const receive: Deliver = (delivery) => {
      const { message, queue } = delivery;
      let opened: Message;
      try {
        opened = this.#messages.open(message.queue === queue ? message : { ...message, queue });
      } catch (error) {
        // Its canvas is not told: what an altered message names may be another's.
        const { id, task, replyTo } = message;
        return malformed({ queue, reason: failureOf(error), id, task, ...(replyTo === undefined ? {} : { replyTo }) });
      }
      const settling = deliver(opened === message ? delivery : carrying(delivery, opened));
      return settling instanceof Promise
        ? settling.then((settlement) => this.#answer(settlement, message, opened))
        : this.#answer(settling, message, opened);
    };
    return this.#inner.consume({ ...request, malformed }, receive);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #answer(settlement: Settlement, before: Message, opened: Message): Settlement {
    if (settlement.kind !== 'retryAt') return this.#settlement(settlement);
    try {
      return { ...settlement, message: this.#messages.putBack(settlement.message, before, opened) };
    } catch (error) {
      return { kind: 'deadLetter', reason: failureOf(error) }; // parked as it came, which its sender signed
    }
  }

  #settlement(settlement: Settlement): Settlement {
    switch (settlement.kind) {
      case 'ack': {
        if (settlement.outcome === undefined) return settlement;
        const outcome = this.#records.seal(settlement.outcome);
        if (!('join' in settlement)) return { kind: 'ack', outcome };
        const { join } = settlement;
        const follow = async (state: JoinState): Promise<Settlement> => this.#settlement(await join.follow(state));
        return { kind: 'ack', outcome, join: { ...join, follow } };
      }
      case 'deadLetter': {
        const { outcome, reason } = settlement;
        const sealed = { kind: 'deadLetter', reason: this.#records.reason(reason) } as const;
        return outcome ? { ...sealed, outcome: this.#records.seal(outcome) } : sealed;
      }
      default:
        return settlement;
    }
  }
}

/** The delivery with its message opened. */
function carrying(delivery: Delivery, message: Message): Delivery {
  const { queue, deliveryCount, returned = false, putBack = false, grant, recordStart, undoStart } = delivery;
  return {
    ...{ message, queue, deliveryCount, returned, putBack, grant },
    onLeaseLost: (listener) => delivery.onLeaseLost(listener),
    ...(recordStart ? { recordStart: () => recordStart.call(delivery) } : {}),
    ...(undoStart ? { undoStart: () => undoStart.call(delivery) } : {}),
    onSettled: (listener) => delivery.onSettled(listener),
  };
}
