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
import { bullName } from '../keys.ts';
import { leaseGuardSource } from '../lease-guard.ts';
import { scriptsOf } from '../scripts/scripts.ts';
import { promotionOf, unblockMessages } from '../unblock-messages.ts';
import { toJob } from './job-message.ts';
import type { BrokerParts } from './parts.ts';
import type { OutgoingEntry, Publisher } from './publisher.ts';

/** The broker over BullMQ. Light until its first use: BullMQ takes 150 ms to import. */
export class BullmqBroker implements Broker {
  readonly #parts: BrokerParts;
  readonly #consumers = new Set<Consumer>();
  #publisher: Promise<Publisher> | undefined;
  #ready: Publisher | undefined;
  #closed = false;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
  }

  publish(messages: readonly Message[], signal?: AbortSignal): Promise<void> {
    try {
      const outgoingEntries = this.#encode(messages);
      if (this.#ready) return this.#ready.publish(outgoingEntries, signal);
      this.#publisher ??= this.#createPublisher();
      return this.#publisher.then((publisher) => publisher.publish(outgoingEntries, signal));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #encode(messages: readonly Message[]): readonly OutgoingEntry[] {
    this.#assertOpen();
    const { clock, storeClock } = this.#parts;
    const now = clock.now();
    const { ahead } = storeClock;
    const redisNow = ahead === undefined ? 0 : now + ahead; // not known: whether a message is due is Redis's to say
    return messages.map((message) => ({ message, job: toJob(message, now, redisNow) }));
  }

  async unblock(held: readonly BlockedMessage[]): Promise<readonly boolean[]> {
    this.#assertOpen();
    const { link, keys } = this.#parts;
    return unblockMessages(held, (queue, chunk) => {
      const args = chunk.flatMap((message) => [bullName(message.id), promotionOf(message)]);
      return link.run((client) => scriptsOf(client).promoteJobs([keys.job(queue, '')], args));
    });
  }

  get leaseGuard(): LeaseGuardSource {
    return leaseGuardSource();
  }

  async consume(request: ConsumeRequest, deliver: Deliver): Promise<Consumer> {
    this.#assertOpen();
    const { BullmqConsumer } = await import('./consumer.ts');
    this.#assertOpen();
    const consumer: Consumer & { start(): Promise<void> } = new BullmqConsumer({
      ...this.#parts,
      request,
      deliver,
      onClosed: () => this.#consumers.delete(consumer),
    });
    this.#consumers.add(consumer);
    await consumer.start().catch(async (error: unknown) => {
      await consumer.close(0);
      throw error;
    });
    return consumer;
  }

  /** Closes every consumer at once; the connection owns the sockets. May be called twice. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#consumers].map((consumer) => consumer.close(0)));
  }

  #assertOpen(): void {
    if (this.#closed) throw new ClosedError('the broker');
  }

  async #createPublisher(): Promise<Publisher> {
    const { Publisher } = await import('./publisher.ts');
    this.#ready = new Publisher({ ...this.#parts, timeout: this.#parts.publishTimeout });
    return this.#ready;
  }
}
