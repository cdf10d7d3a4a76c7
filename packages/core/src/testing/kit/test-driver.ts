import type {
  BlockedMessage,
  Broker,
  ConsumeRequest,
  Consumer,
  Deliver,
  Delivery,
  Settlement,
} from '../../driver/broker.ts';
import type { Driver } from '../../driver/driver.ts';
import type { MemoryConnection } from '../../driver/memory/memory-connection.ts';
import { memoryDriver } from '../../driver/memory/memory-driver.ts';
import type { Message } from '../../message/message.ts';
import { type Faults, replyLost } from './faults.ts';

/** The memory driver, with an eye on what is sent and run, and with faults. */
export class TestDriver {
  /** Every message that was published, in order. */
  readonly published: Message[] = [];
  /** The ids of the tasks that a worker has taken. */
  readonly begun: Set<string> = new Set();
  /** How many deliveries are under way, and how many have been settled. */
  running = 0;
  settled = 0;
  /** Called with what was published, before the publish resolves. */
  onPublish: () => Promise<void> = async () => {};
  readonly #faults: Faults;
  #connection: MemoryConnection | undefined;
  #consumer: Consumer | undefined;
  #flows = false;

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  readonly driver: Driver = {
    name: 'memory, for tests',
    schemes: ['memory'],
    connect: (url, context) => {
      const connection = memoryDriver.connect(url, context) as MemoryConnection;
      this.#connection = connection;
      Object.defineProperty(connection, 'broker', { value: this.#watch(connection.broker) });
      return connection;
    },
  };

  /** Grows with whatever happens. */
  get progress(): number {
    return this.settled + this.published.length;
  }

  /** Whether nothing waits, is delayed or runs. */
  async isEmpty(): Promise<boolean> {
    const counts = (await this.#connection?.monitor.counts(this.queues)) ?? [];
    return counts.every(({ waiting, delayed, running }) => waiting + delayed + running === 0);
  }

  /** The queues that have held something. */
  get queues(): readonly string[] {
    return [...(this.#connection?.store.queues.keys() ?? [])];
  }

  /** Lets workers take tasks, or holds what waits. */
  flow(flows: boolean): void {
    this.#flows = flows;
    if (flows) this.#consumer?.resume();
    else this.#consumer?.pause();
  }

  #watch(broker: Broker): Broker {
    return {
      publish: (messages, signal) => this.#publish(broker, messages, signal),
      consume: (request, deliver) => this.#consume(broker, request, deliver),
      unblock: (held: readonly BlockedMessage[]) => broker.unblock?.(held) ?? Promise.resolve([]),
      close: (deadline?: number) => (broker as { close(deadline?: number): Promise<void> }).close(deadline),
    } as Broker; // the memory broker's close takes a deadline
  }

  async #publish(broker: Broker, messages: readonly Message[], signal: AbortSignal | undefined): Promise<void> {
    await broker.publish(messages, signal);
    this.published.push(...messages);
    for (const { id, task } of messages) if (this.#faults.take(task, ['reply-lost'])) throw replyLost(id);
    await this.onPublish();
  }

  async #consume(broker: Broker, request: ConsumeRequest, deliver: Deliver): Promise<Consumer> {
    const consumer = await broker.consume(request, (delivery) => this.#deliver(delivery, deliver));
    this.#consumer = consumer;
    if (!this.#flows) consumer.pause();
    return consumer;
  }

  async #deliver(delivery: Delivery, deliver: Deliver): Promise<Settlement> {
    const { id, task } = delivery.message;
    this.running += 1;
    this.begun.add(id);
    try {
      const fault = this.#faults.take(task, ['killed-before', 'killed-after', 'run-twice']);
      if (fault === 'killed-before') return this.#kill(id);
      const settlement = await deliver(delivery);
      if (fault === 'killed-after') return this.#kill(id);
      return fault === 'run-twice' ? await deliver(delivery) : settlement;
    } finally {
      this.running -= 1;
      this.settled += 1;
    }
  }

  /** Its lease is gone, and nothing of its end is known: another worker finds it, at once. */
  #kill(id: string): never {
    const store = this.#connection?.store;
    store?.expireLease(id);
    setImmediate(() => store?.sweepOrphans(store.queues.values()));
    throw new Error('the worker was killed (testApp, faults.killWorker)');
  }
}
