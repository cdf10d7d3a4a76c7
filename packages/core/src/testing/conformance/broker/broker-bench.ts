import { expect } from 'vitest';
import type { Broker, ConsumeRequest, Consumer, Delivery, MalformedEntry, Settlement } from '../../../driver/broker.ts';
import type { Connection } from '../../../driver/driver.ts';
import type { MessageLocation, Monitor, QueueCounts } from '../../../driver/monitor.ts';
import type { ResultBackend } from '../../../driver/result-backend.ts';
import type { Message } from '../../../message/message.ts';
import type { OutcomeRecord } from '../../../message/outcome.ts';
import { newTaskId } from '../../../message/task-id.ts';
import { until } from '../../until.ts';
import type { FastLease, Harness } from '../harness.ts';

/** The queue that cases use when one is enough. */
export const queue = 'alpha';

/** A lease that no case outlives. */
const longLease: FastLease = { leaseDuration: 30_000, orphanInterval: 10_000 };

/** Done, without an outcome. */
export const ack: Settlement = { kind: 'ack' };

/** How a probe consumes. */
export interface ProbeOptions {
  /** @default ['alpha'] */
  readonly queues?: readonly string[];
  /** @default 1 */
  readonly slots?: number;
  /** @default a lease that no case outlives */
  readonly lease?: FastLease;
  /** Answers a delivery. @default ack */
  readonly handle?: (delivery: Delivery) => Settlement | Promise<Settlement>;
  /** Answers an unreadable entry. @default ack */
  readonly malformed?: (entry: MalformedEntry) => Settlement;
  /** @default the connection under test */
  readonly connection?: Connection;
}

/** A consumer that writes down what happens to it. */
export interface Probe {
  readonly consumer: Consumer;
  /** In order of arrival. */
  readonly deliveries: readonly Delivery[];
  readonly malformed: readonly MalformedEntry[];
  readonly errors: readonly Error[];
  /** Ids in order of arrival. */
  ids(): readonly string[];
  /** Resolves when `count` deliveries have arrived. */
  arrived(count: number): Promise<void>;
}

/** What a broker case works at. */
export class BrokerBench {
  readonly harness: Harness;
  readonly #consumers: Consumer[] = [];

  constructor(harness: Harness) {
    this.harness = harness;
  }

  get connection(): Connection {
    return this.harness.connection;
  }

  get broker(): Broker {
    return required(this.connection.broker, 'a broker');
  }

  get results(): ResultBackend {
    return required(this.connection.results, 'a result backend');
  }

  get monitor(): Monitor {
    return required(this.connection.monitor, 'a monitor');
  }

  async probe(options: ProbeOptions = {}): Promise<Probe> {
    const deliveries: Delivery[] = [];
    const malformed: MalformedEntry[] = [];
    const errors: Error[] = [];
    const request: ConsumeRequest = {
      queues: options.queues ?? [queue],
      slots: options.slots ?? 1,
      worker: `probe-${this.#consumers.length}`,
      ...(options.lease ?? longLease),
      malformed: async (entry) => {
        malformed.push(entry);
        return options.malformed?.(entry) ?? ack;
      },
      onError: (error) => errors.push(error),
    };
    const broker = required((options.connection ?? this.connection).broker, 'a broker');
    const consumer = await broker.consume(request, async (delivery) => {
      deliveries.push(delivery);
      return (await options.handle?.(delivery)) ?? ack;
    });
    this.#consumers.push(consumer);
    const ids = (): string[] => deliveries.map((delivery) => delivery.message.id);
    const arrived = async (count: number): Promise<void> => {
      await until(() => deliveries.length >= count, { what: () => `${count} deliveries, got ${deliveries.length}` });
    };
    return { consumer, deliveries, malformed, errors, ids, arrived };
  }

  /** Publishes a message with these fields and returns it. */
  async publish(fields: Partial<Message> = {}): Promise<Message> {
    const message = createMessage(fields);
    await this.broker.publish([message]);
    return message;
  }

  /** Publishes `count` messages in one call and returns their ids. */
  async publishMany(count: number, fields: (index: number) => Partial<Message> = () => ({})): Promise<string[]> {
    const messages = Array.from({ length: count }, (_, index) => createMessage(fields(index)));
    await this.broker.publish(messages);
    return messages.map((message) => message.id);
  }

  async counts(name: string = queue): Promise<QueueCounts> {
    const [counts] = await this.monitor.counts([name]);
    return required(counts, `counts of ${name}`);
  }

  async place(id: string): Promise<MessageLocation | undefined> {
    return (await this.monitor.locate([id]))[0];
  }

  async record(id: string): Promise<OutcomeRecord | undefined> {
    return (await this.results.get([id]))[0];
  }

  /** Resolves when nothing of the queue waits, is held back or runs. */
  async emptied(name: string = queue): Promise<void> {
    await until(
      async () => {
        const { waiting, delayed, running } = await this.counts(name);
        return waiting + delayed + running === 0;
      },
      { what: `queue ${name} to be empty` },
    );
  }

  async injectRaw(body: string, name: string = queue): Promise<void> {
    const inject = required(this.harness.injectRaw, 'injectRaw (skip the case with a reason)');
    await inject.call(this.harness, name, body);
  }

  async loseLease(id: string, name: string = queue): Promise<void> {
    const lose = required(this.harness.loseLease, 'loseLease (skip the case with a reason)');
    await lose.call(this.harness, name, id);
  }

  async close(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.close(0)));
  }
}

/** A message with a new id; `fields` replace the defaults. */
export function createMessage(fields: Partial<Message> = {}): Message {
  const defaults = { id: newTaskId(), task: 'math.add', args: [2, 3], queue, priority: 0, retries: 0 };
  return { v: 1, sentAt: Date.now(), ...defaults, ...fields };
}

/** A final record of that task. */
export function successOf(id: string, value: string): OutcomeRecord {
  return { id, task: 'math.add', state: 'SUCCESS', value, attempts: 1, at: Date.now(), worker: 'probe' };
}

/** An ack that carries a SUCCESS with this value. */
export function ackWith(id: string, value: string, replyTo?: string): Settlement {
  const outcome = { record: successOf(id, value), ttl: 60_000, ...(replyTo === undefined ? {} : { replyTo }) };
  return { kind: 'ack', outcome };
}

function required<T>(value: T | undefined, what: string): T {
  expect(value, `the harness must give ${what}`).toBeDefined();
  return value as T;
}
