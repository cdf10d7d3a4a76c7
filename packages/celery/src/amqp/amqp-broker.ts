import {
  type Broker,
  type Clock,
  type ConsumeRequest,
  type Consumer,
  type Deliver,
  type Logger,
  type Message,
  PublishError,
} from '@lovage/core/driver';
import { toCall } from '../message/to-call.ts';
import { CeleryConsumer, type ConsumerWatch } from '../worker/consumer.ts';
import type { HeldTask, StartCounter } from '../worker/held-task.ts';
import type { AmqpLink } from './amqp-link.ts';
import { AmqpQueueReader } from './amqp-queue-reader.ts';
import type { AmqpSettler } from './amqp-settler.ts';
import type { Deliveries } from './deliveries.ts';
import type { Topology } from './topology.ts';

/** What the broker needs. */
export interface AmqpBrokerParts {
  readonly link: AmqpLink;
  readonly topology: Topology;
  readonly deliveries: Deliveries;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settler: AmqpSettler;
  readonly defaultQueue: string;
  readonly watch: ConsumerWatch;
  readonly expect: (ids: readonly string[], inbox: string) => Promise<void>;
}

/** RabbitMQ counts deliveries itself, in quorum queues; elsewhere nobody does. */
const uncounted: StartCounter = { record: async () => 0, undo: async () => {} };

/** Higher is sooner on both sides. */
export const samePriority = (priority: number): number => Math.min(9, Math.max(0, Math.round(priority)));

/** Celery's queues on RabbitMQ. */
export class AmqpBroker implements Broker {
  readonly #parts: AmqpBrokerParts;
  readonly #consumers = new Set<CeleryConsumer>();
  readonly #sentTo = new Set<string>();

  constructor(parts: AmqpBrokerParts) {
    this.#parts = parts;
  }

  /** The queues that this process sends to or consumes. */
  get queues(): readonly string[] {
    return [...this.#sentTo, ...[...this.#consumers].flatMap(({ queues }) => queues)];
  }

  async publish(messages: readonly Message[], _signal?: AbortSignal): Promise<void> {
    const calls = messages.map((message) => toCall(message, { priority: samePriority }));
    const inboxes = new Map<string, string[]>();
    for (const { id, replyTo, ignoreResult, queue } of messages) {
      this.#sentTo.add(queue);
      if (replyTo !== undefined && !ignoreResult) inboxes.set(replyTo, [...(inboxes.get(replyTo) ?? []), id]);
    }
    await Promise.all([...inboxes].map(([inbox, ids]) => this.#parts.expect(ids, inbox)));
    const ends = await Promise.allSettled(calls.map((call) => this.#parts.settler.publish(call)));
    const failures = new Map<string, Error>();
    for (const [index, end] of ends.entries()) {
      if (end.status === 'rejected') failures.set((calls[index] as { id: string }).id, end.reason as Error);
    }
    if (failures.size === 0) return;
    if (messages.length === 1) throw [...failures.values()][0] as Error;
    throw new PublishError(failures);
  }

  async consume(request: ConsumeRequest, deliver: Deliver): Promise<Consumer> {
    const { link, topology, deliveries, clock, logger, settler, defaultQueue, watch } = this.#parts;
    const consumer = new CeleryConsumer(request, deliver, {
      clock,
      logger,
      starts: uncounted,
      defaultQueue,
      settlement: { clock, logger, settler, defaultQueue },
      fromWirePriority: samePriority,
      queueReader: (sink) => new AmqpQueueReader(link, sink, { topology, deliveries }),
      isRevoked: (task) => watch.isRevoked(task),
      onClosed: (closed) => {
        this.#consumers.delete(closed);
        watch.closed(closed);
      },
    });
    this.#consumers.add(consumer);
    await watch.opened(consumer);
    await consumer.start();
    return consumer;
  }

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
