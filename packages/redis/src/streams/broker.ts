import {
  type BlockedMessage,
  type Broker,
  ClosedError,
  type ConsumeRequest,
  type Consumer,
  type Deliver,
  type LeaseGuardSource,
  type Message,
} from '@lovage/core/driver';
import { leaseGuardSource } from '../lease-guard.ts';
import type { BrokerParts } from '../redis-connection.ts';
import { scriptsOf } from '../scripts/scripts.ts';
import { promotionOf, unblockMessages } from '../unblock-messages.ts';
import { StreamsConsumer } from './consumer.ts';
import { Publisher } from './publish/publisher.ts';
import { assertVersion } from './version.ts';

/** The broker over Redis Streams. */
export class StreamsBroker implements Broker {
  readonly #parts: BrokerParts;
  readonly #publisher: Publisher;
  readonly #consumers = new Set<StreamsConsumer>();
  #closed = false;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
    this.#publisher = new Publisher(parts);
  }

  publish(messages: readonly Message[], signal?: AbortSignal): Promise<void> {
    if (this.#closed) return Promise.reject(new ClosedError('the broker'));
    return this.#publisher.publish(messages, signal);
  }

  async unblock(held: readonly BlockedMessage[]): Promise<readonly boolean[]> {
    this.#assertOpen();
    const { link, keys } = this.#parts;
    return unblockMessages(held, (queue, chunk) => {
      const args = chunk.flatMap((message) => [message.id, promotionOf(message)]);
      return link.run((client) => scriptsOf(client).streamUnblock([keys.stream(queue)], args));
    });
  }

  get leaseGuard(): LeaseGuardSource {
    return leaseGuardSource();
  }

  async consume(request: ConsumeRequest, deliver: Deliver): Promise<Consumer> {
    this.#assertOpen();
    await this.#parts.link.run(assertVersion);
    this.#assertOpen();
    const consumer = await StreamsConsumer.open(this.#parts, request, deliver);
    this.#consumers.add(consumer);
    void consumer.closed.then(() => this.#consumers.delete(consumer));
    return consumer;
  }

  /** Closes every consumer at once; the connection owns the sockets. May be called twice. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#publisher.close();
    await Promise.all([...this.#consumers].map((consumer) => consumer.close(0)));
  }

  #assertOpen(): void {
    if (this.#closed) throw new ClosedError('the broker');
  }
}
