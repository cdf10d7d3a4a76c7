import {
  type Connection,
  type ConsumeRequest,
  type Consumer,
  type Deliver,
  type Delivery,
  type DriverContext,
  type Logger,
  type MalformedEntry,
  type Message,
  newTaskId,
  type Settlement,
  systemClock,
} from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { redisDriver } from '../src/index.ts';

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

/** A connection of a test, with fields of its context replaced. */
export function connect(url: string, fields: Partial<DriverContext> = {}): Connection {
  return redisDriver.connect(url, {
    clock: systemClock,
    logger: silent,
    prefix: `t${newTaskId().slice(-12)}`,
    connection: { socketTimeout: 15_000, connectTimeout: 5_000 },
    publishTimeout: 5_000,
    ...fields,
  });
}

/** A message with a new id; `fields` replace the defaults. */
export function createMessage(fields: Partial<Message> = {}): Message {
  return {
    v: 1,
    id: newTaskId(),
    task: 'math.add',
    args: [2, 3],
    queue: 'alpha',
    priority: 0,
    retries: 0,
    sentAt: Date.now(),
    ...fields,
  };
}

export const ack: Settlement = { kind: 'ack' };

/** An ack with a SUCCESS of this value. */
export function success(id: string, value: string, replyTo?: string): Extract<Settlement, { kind: 'ack' }> {
  const record = { id, task: 'math.add', state: 'SUCCESS', value, attempts: 1, at: Date.now() } as const;
  return { kind: 'ack', outcome: { record, ttl: 60_000, ...(replyTo === undefined ? {} : { replyTo }) } };
}

/** What a test's consumer saw. */
export interface Seen {
  readonly consumer: Consumer;
  readonly deliveries: Delivery[];
  readonly malformed: MalformedEntry[];
  readonly errors: Error[];
  arrived(count: number, timeout?: number): Promise<void>;
}

/** Starts a consumer that writes down what it sees. */
export async function consume(
  connection: Connection,
  fields: Partial<ConsumeRequest> = {},
  deliver: Deliver = async () => ack,
): Promise<Seen> {
  const seen = { deliveries: [] as Delivery[], malformed: [] as MalformedEntry[], errors: [] as Error[] };
  const request: ConsumeRequest = {
    queues: ['alpha'],
    slots: 5,
    worker: 'tester',
    leaseDuration: 30_000,
    orphanInterval: 10_000,
    malformed: async (entry) => {
      seen.malformed.push(entry);
      return { kind: 'deadLetter', reason: entry.reason };
    },
    onError: (error) => seen.errors.push(error),
    ...fields,
  };
  const consumer = await required(connection.broker).consume(request, async (delivery) => {
    seen.deliveries.push(delivery);
    return deliver(delivery);
  });
  const arrived = async (count: number, timeout = 10_000): Promise<void> => {
    await until(() => seen.deliveries.length >= count, {
      timeout,
      what: () => `${count} deliveries, got ${seen.deliveries.length}`,
    });
  };
  return { ...seen, consumer, arrived };
}

/** Resolves when nothing of the queue waits, is held back or runs. */
export async function emptied(connection: Connection, queue = 'alpha', timeout = 10_000): Promise<void> {
  await until(
    async () => {
      const [counts] = await required(connection.monitor).counts([queue]);
      return counts !== undefined && counts.waiting + counts.delayed + counts.running === 0;
    },
    { timeout, what: `queue ${queue} to be empty` },
  );
}

/** What this driver always has. */
export function required<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('the Redis driver has every part');
  return part;
}
