import type { Logger } from '../../logger.ts';
import type { JsonValue } from '../../message/json.ts';
import type { Bus } from '../bus.ts';
import type { Subscription } from '../result-backend.ts';
import type { MemoryTopics } from './memory-topics.ts';
import { SubscriptionSet } from './subscription-set.ts';

/** The bus, as one connection sees it. */
export class MemoryBus implements Bus {
  readonly #topics: MemoryTopics;
  readonly #subscriptions: SubscriptionSet;

  constructor(topics: MemoryTopics, logger: Logger) {
    this.#topics = topics;
    this.#subscriptions = new SubscriptionSet('the bus', logger);
  }

  async publish(topic: string, message: JsonValue): Promise<undefined> {
    this.#subscriptions.assertOpen();
    this.#topics.publish(topic, JSON.stringify(message));
    return undefined;
  }

  async subscribe(pattern: string, listener: (message: JsonValue, topic: string) => void): Promise<Subscription> {
    return this.#subscriptions.add((guard) =>
      this.#topics.listen(pattern, (text, topic) => guard(() => listener(JSON.parse(text), topic))),
    );
  }

  async close(): Promise<void> {
    this.#subscriptions.close();
  }
}
