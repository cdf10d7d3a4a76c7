import { ClosedError, PublishError } from '../../../errors.ts';
import type { Message } from '../../../message/message.ts';
import type { BlockedMessage, Broker, ConsumeRequest, Consumer, Deliver } from '../../broker.ts';
import type { MemoryStore } from '../memory-store.ts';
import { MemoryConsumer } from './memory-consumer.ts';

/** The broker, as one connection sees it. */
export class MemoryBroker implements Broker {
  readonly #store: MemoryStore;
  readonly #consumers = new Set<MemoryConsumer>();
  #open = true;

  constructor(store: MemoryStore) {
    this.#store = store;
  }

  async publish(messages: readonly Message[], signal?: AbortSignal): Promise<void> {
    this.#assertOpen();
    signal?.throwIfAborted();
    const refused = new Map<string, Error>();
    for (const message of messages) {
      try {
        this.#store.add(message, JSON.stringify(message));
      } catch (error) {
        refused.set(message.id, error as Error); // JSON.stringify throws nothing but errors
      }
    }
    if (refused.size > 0) throw new PublishError(refused);
  }

  async unblock(held: readonly BlockedMessage[]): Promise<readonly boolean[]> {
    this.#assertOpen();
    return held.map((message) => this.#store.promote(message));
  }

  async consume(request: ConsumeRequest, deliver: Deliver): Promise<Consumer> {
    this.#assertOpen();
    const consumer = new MemoryConsumer({ store: this.#store, request, deliver });
    this.#consumers.add(consumer);
    return consumer;
  }

  /** Closes the consumers that are still open and hands their deliveries back at once, unless a deadline is given. */
  async close(deadline = 0): Promise<void> {
    this.#open = false;
    const consumers = [...this.#consumers];
    this.#consumers.clear();
    await Promise.all(consumers.map((consumer) => consumer.close(deadline)));
  }

  #assertOpen(): void {
    if (!this.#open) throw new ClosedError('the broker');
  }
}
