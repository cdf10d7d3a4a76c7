import {
  ClosedError,
  type CloseReport,
  type ConsumeRequest,
  type Consumer,
  type Deliver,
  type LeaseGuardPlan,
  type MaybePromise,
  type Settlement,
  type Timer,
} from '@lovage/core/driver';
import type { RedisClient } from '../connection.ts';
import { planLeaseGuard } from '../lease-guard.ts';
import type { BrokerParts } from '../redis-connection.ts';
import { scriptsOf } from '../scripts/scripts.ts';
import { StartLog } from '../start-log.ts';
import { type RawEntry, readEntry } from './entry/entry.ts';
import {
  createConsumerName,
  createStreamQueue,
  group,
  type QueueStream,
  type StreamQueue,
} from './entry/stream-queue.ts';
import { QueueMaintenance } from './maintenance/queue-maintenance.ts';
import { DeliveryDispatcher } from './read/dispatcher.ts';
import { ReaderPool } from './read/reader-pool.ts';
import { cork } from './settle/corked-writes.ts';
import { StreamDelivery } from './settle/delivery.ts';
import { Flusher } from './settle/flusher.ts';
import { handBackAll } from './settle/hand-back.ts';
import { LeaseKeeper } from './settle/lease-keeper.ts';

/** What a consumer is made of. */
export interface ConsumerParts extends BrokerParts {
  readonly request: ConsumeRequest;
  readonly deliver: Deliver;
}

/** With the name of the consumer in its groups. */
interface NamedParts extends ConsumerParts {
  readonly name: string;
}

/** The part of a close deadline that is kept for handing back what still runs, and its bound in milliseconds. */
const handBackShare = 0.3;
const longestHandBack = 1_000;

/** A running consumer of any number of queues. */
export class StreamsConsumer implements Consumer {
  /** Resolves when it has closed. */
  readonly closed: Promise<CloseReport>;
  readonly #parts: NamedParts;
  readonly #client: RedisClient;
  readonly #queues = new Map<string, StreamQueue>();
  /** The names of all queues it has had: deliveries of a removed one may still run. */
  readonly #known = new Set<string>();
  readonly #dispatcher: DeliveryDispatcher;
  readonly #flusher: Flusher;
  readonly #leases: LeaseKeeper;
  readonly #readers: ReaderPool;
  readonly #maintenance: QueueMaintenance;
  readonly #timers: Timer[] = [];
  #paused = false;
  #handingBack = 0;
  #handedBack = 0;
  #closing = false;
  #resolveClosed: (report: CloseReport) => void = () => {};
  #waitNoLonger: () => void = () => {};
  #onQuiet: () => void = () => {};

  /** Opens a consumer that reads from every queue of its request. */
  static async open(parts: ConsumerParts): Promise<StreamsConsumer> {
    const { clients, request } = parts;
    const consumer = new StreamsConsumer(
      { ...parts, name: createConsumerName(request.worker, request.leaseDuration) },
      await clients.shared('worker'),
    );
    consumer.#readers.start();
    try {
      await consumer.#addQueues(request.queues);
      return consumer;
    } catch (error) {
      await consumer.close(0);
      throw error;
    }
  }

  private constructor(parts: NamedParts, client: RedisClient) {
    const { clients, clock, request, subscriber, keys, ended, retention, name } = parts;
    const { leaseDuration, orphanInterval } = request;
    this.#parts = parts;
    this.#client = client;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    const onError = (error: Error): void => this.#report(error);
    const common = { clock, client, consumer: name, onError, sameSlot: keys.sameSlot };
    this.#leases = new LeaseKeeper({ ...common, duration: leaseDuration });
    this.#flusher = new Flusher(client, {
      ...{ ...common, keys, ended, retention, leaseDuration },
      onOver: (delivery) => this.#over(delivery),
      onLeft: (delivery) => this.#leave(delivery),
    });
    this.#dispatcher = new DeliveryDispatcher({
      slots: request.slots,
      answer: (delivery) => this.#answer(delivery),
      settle: (delivery, settlement) => this.#flusher.add(delivery, settlement),
      abandon: (delivery, error) => this.#abandon(delivery, error),
      beginBatch: () => this.#beginBatch(),
    });
    const reopen = (queue: StreamQueue): Promise<void> => this.#reopen(queue);
    this.#readers = new ReaderPool({
      ...common,
      clients,
      worker: request.worker,
      held: this.#leases.held,
      perQueue: !keys.sameSlot,
      signals: keys.sameSlot ? keys.streamSignals : undefined,
      room: () => this.#dispatcher.room,
      take: (stream, entries) => this.#take(stream, entries, this.#wants(stream)),
      giveBack: (stream, entries) => this.#take(stream, entries, false),
      reopen,
      onIdle: () => this.#onQuiet(),
    });
    this.#maintenance = new QueueMaintenance({
      ...common,
      subscriber,
      leaseDuration,
      orphanInterval,
      renew: () => this.#leases.renew(),
      onQueueChange: (queue) => this.#readers.look(queue),
      reopen,
    });
  }

  setSlots(slots: number): void {
    this.#dispatcher.setSlots(slots);
    this.#readers.refresh();
  }

  addQueue(name: string): Promise<void> {
    return this.#addQueues([name]);
  }

  /** All at once: the cost of a thousand is a thousand times that of one. */
  async #addQueues(names: readonly string[]): Promise<void> {
    if (this.#closing) throw new ClosedError('the consumer');
    const { keys, link } = this.#parts;
    const starts = new StartLog(this.#client, keys);
    const wanted = [...new Set(names)].filter((name) => !this.#queues.has(name));
    const opened = wanted.map((name) => createStreamQueue(keys, name, starts));
    await Promise.all(opened.map((queue) => link.run((client) => this.#open(client, queue))));
    if (this.#closing) return;
    const added = opened.filter(({ name }) => !this.#queues.has(name)); // meanwhile added by another call
    for (const queue of added) {
      this.#queues.set(queue.name, queue);
      this.#known.add(queue.name);
      this.#maintenance.add(queue);
    }
    await this.#readers.addAll(added);
  }

  async removeQueue(name: string): Promise<void> {
    const queue = this.#queues.get(name);
    if (!queue) return;
    this.#queues.delete(name);
    this.#maintenance.remove(name);
    this.#readers.remove(queue);
  }

  pause(): void {
    this.#paused = true;
    this.#readers.stop();
  }

  resume(): void {
    if (this.#closing) return;
    this.#paused = false;
    this.#readers.start();
  }

  polls(): ReadonlyMap<string, number> {
    if (this.#paused || this.#closing || this.#dispatcher.room <= 0) return new Map();
    return this.#readers.polls();
  }

  leaseGuard(): LeaseGuardPlan {
    const { origin, name, request } = this.#parts;
    const { leaseDuration } = request;
    return planLeaseGuard({ origin, driver: 'streams', holder: name, queues: [...this.#known], leaseDuration });
  }

  async rebuild(): Promise<void> {
    this.#parts.clients.reconnect();
    await this.#readers.rebuild();
  }

  close(deadline: number): Promise<CloseReport> {
    if (!this.#closing) {
      this.#closing = true;
      void this.#close(); // never rejects
    }
    const kept = Math.min(longestHandBack, deadline * handBackShare);
    this.#timers.push(this.#parts.clock.after(deadline - kept, () => this.#waitNoLonger()));
    return this.closed;
  }

  async #close(): Promise<void> {
    this.#readers.stop();
    this.#maintenance.close();
    const enough = new Promise<void>((resolve) => {
      this.#waitNoLonger = resolve;
    });
    await Promise.race([enough, this.#quiet()]);
    const { released, abandoned } = await handBackAll({
      clock: this.#parts.clock,
      client: this.#client,
      consumer: this.#parts.name,
      bases: [...this.#known].map(this.#parts.keys.stream),
      flusher: this.#flusher,
      held: this.#leases.held,
      reading: this.#readers.reading,
      quiet: () => this.#quiet(),
    });
    this.#leases.close();
    for (const timer of this.#timers) timer.cancel();
    this.#readers.close();
    this.#resolveClosed({ released: released + this.#handedBack, abandoned });
  }

  /** Resolves when nothing runs, is being settled, or may still come. */
  async #quiet(): Promise<void> {
    while (this.#leases.held.size > 0 || this.#readers.reading) {
      await new Promise<void>((resolve) => {
        this.#onQuiet = resolve;
      });
    }
  }

  #wants({ queue }: QueueStream): boolean {
    return !this.#closing && !this.#paused && this.#queues.get(queue.name) === queue;
  }

  /** Takes entries in. What there is no slot for, or is not wanted, goes back. */
  #take(stream: QueueStream, entries: readonly RawEntry[], wanted: boolean): void {
    const now = this.#parts.clock.monotonic();
    for (const entry of entries) {
      const delivery = new StreamDelivery(stream, entry[0], readEntry(entry, stream), now);
      this.#leases.held.add(delivery);
      if (!wanted || !this.#dispatcher.add(delivery)) void this.#handBack(delivery); // never rejects
    }
    this.#dispatcher.run();
  }

  /** What a turn of the event loop reads and settles leaves in one write. */
  #beginBatch(): () => void {
    const release = cork(this.#client);
    return () => {
      this.#flusher.flush();
      this.#readers.pump();
      release();
    };
  }

  async #handBack(delivery: StreamDelivery): Promise<void> {
    this.#handingBack += 1;
    if (await this.#flusher.handBack(delivery)) this.#handedBack += this.#closing ? 1 : 0;
    this.#handingBack -= 1;
    if (this.#handingBack === 0 && !this.#paused) this.#readers.refresh();
  }

  #answer(delivery: StreamDelivery): MaybePromise<Settlement> {
    const { message, reason, parts } = delivery.content;
    if (message) return this.#parts.deliver(delivery);
    return this.#parts.request.malformed({
      queue: delivery.queue,
      reason: reason ?? { name: 'MalformedMessageError', message: 'unreadable' },
      ...parts,
    });
  }

  /** Without an answer the message is left alone: its lease runs out, and it comes again. */
  #abandon(delivery: StreamDelivery, error: unknown): void {
    delivery.state = 'over';
    this.#leave(delivery);
    this.#over(delivery);
    this.#report(error instanceof Error ? error : new Error('a delivery failed', { cause: error }));
  }

  #leave({ stream, entry }: StreamDelivery): void {
    this.#readers.leave(stream, entry);
  }

  #over(delivery: StreamDelivery): void {
    this.#leases.held.delete(delivery);
    this.#onQuiet();
  }

  async #open(client: RedisClient, queue: StreamQueue): Promise<number> {
    const scripts = scriptsOf(client);
    const [made] = await Promise.all([
      scripts.streamOpen([queue.base], [group]),
      scripts.streamRegister([this.#parts.keys.streamQueues], [queue.name]),
    ]);
    return made;
  }

  async #reopen(queue: StreamQueue): Promise<void> {
    const made = await this.#open(this.#client, queue);
    if (made > 0)
      this.#report(
        new Error(`queue "${queue.name}" had lost ${made} of its streams or their consumer group: made again`),
      );
  }

  #report(error: Error): void {
    if (this.#closing && this.#client.status === 'end') return; // we ended the connection ourselves
    this.#parts.request.onError(error);
  }
}
