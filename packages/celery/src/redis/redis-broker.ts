import type { Broker, Clock, ConsumeRequest, Consumer, Deliver, Logger, Message } from '@lovage/core/driver';
import { CeleryConsumer, type ConsumerWatch } from '../worker/consumer.ts';
import type { HeldTask } from '../worker/held-task.ts';
import type { Settler } from '../worker/settler.ts';
import type { RedisLink } from './connection.ts';
import type { Keys } from './keys.ts';
import { fromWirePriority } from './priority.ts';
import type { RedisPublisher } from './publisher.ts';
import { RedisQueueReader } from './redis-queue-reader.ts';
import { createStarts } from './redis-stores.ts';
import { Restorer } from './restorer.ts';

/** What the broker needs. */
export interface RedisBrokerParts {
  readonly link: RedisLink;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly publisher: RedisPublisher;
  readonly settler: Settler;
  readonly defaultQueue: string;
  readonly watch: ConsumerWatch;
}

/** Celery's queues on Redis, as kombu keeps them. */
export class RedisBroker implements Broker {
  readonly #parts: RedisBrokerParts;
  readonly #consumers = new Set<CeleryConsumer>();

  constructor(parts: RedisBrokerParts) {
    this.#parts = parts;
  }

  publish(messages: readonly Message[], _signal?: AbortSignal): Promise<void> {
    return this.#parts.publisher.publish(messages);
  }

  async consume(request: ConsumeRequest, deliver: Deliver): Promise<Consumer> {
    const { link, keys, clock, logger, settler, defaultQueue, watch } = this.#parts;
    const restorer = new Restorer(link, keys, { interval: request.orphanInterval, onError: request.onError });
    const consumer = new CeleryConsumer(request, deliver, {
      clock,
      logger,
      starts: createStarts(link, keys),
      defaultQueue,
      settlement: { clock, logger, settler, defaultQueue },
      fromWirePriority,
      queueReader: (sink) => new RedisQueueReader(link, keys, sink),
      isRevoked: (task) => watch.isRevoked(task),
      onClosed: (closed) => {
        restorer.close();
        this.#consumers.delete(closed);
        watch.closed(closed);
      },
    });
    this.#consumers.add(consumer);
    await watch.opened(consumer);
    await consumer.start();
    restorer.start();
    return consumer;
  }

  /** A delivery that is being worked on in this process. */
  find(id: string): HeldTask | undefined {
    for (const consumer of this.#consumers) {
      const held = consumer.find(id);
      if (held) return held;
    }
    return undefined;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#consumers].map((consumer) => consumer.close(1_000)));
  }
}
