import { type Clock, systemClock } from '../src/clock.ts';
import type { ConsumeRequest, Consumer, Deliver, Delivery, Settlement } from '../src/driver/broker.ts';
import type { DriverContext } from '../src/driver/driver.ts';
import { MemoryConnection } from '../src/driver/memory/memory-connection.ts';
import { memoryDriver } from '../src/driver/memory/memory-driver.ts';
import { silentLogger } from '../src/logger.ts';
import type { Message } from '../src/message/message.ts';
import { newTaskId } from '../src/message/task-id.ts';

/** What the memory driver is given in tests. */
export function createContext(clock: Clock = systemClock, prefix?: string): DriverContext {
  const connection = { socketTimeout: 1000, connectTimeout: 1000 };
  return { clock, logger: silentLogger, prefix, connection, publishTimeout: 1000 };
}

/** A connection whose parts are all known to be there. */
export function openMemory(clock: Clock = systemClock, url = 'memory://', prefix?: string): MemoryConnection {
  const connection = memoryDriver.connect(url, createContext(clock, prefix));
  if (!(connection instanceof MemoryConnection)) throw new Error('no memory connection');
  return connection;
}

/** A message of queue `q`. */
export function createMessage(fields: Partial<Message> = {}): Message {
  const sentAt = 1_790_000_000_000;
  return { v: 1, id: newTaskId(), task: 'add', args: [1], queue: 'q', priority: 0, retries: 0, sentAt, ...fields };
}

/** Done, without an outcome. */
export const ack: Settlement = { kind: 'ack' };

/** Acks what it is given, after a look at it. */
export function acking(look: (delivery: Delivery) => void = () => {}): Deliver {
  return async (delivery) => {
    look(delivery);
    return ack;
  };
}

/** Consumes queue `q` with one slot and a lease of 30 s, looked after every 10 s. */
export function consume(
  connection: MemoryConnection,
  deliver: Deliver,
  request: Partial<ConsumeRequest> = {},
): Promise<Consumer> {
  const defaults: ConsumeRequest = {
    queues: ['q'],
    slots: 1,
    worker: 'test',
    leaseDuration: 30_000,
    orphanInterval: 10_000,
    malformed: async () => ({ kind: 'ack' }),
    onError: () => {},
  };
  return connection.broker.consume({ ...defaults, ...request }, deliver);
}
