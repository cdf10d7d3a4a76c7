import type { Timer } from '../../../clock.ts';
import { ClosedError, PublishError } from '../../../errors.ts';
import { toFailure } from '../../../message/failure.ts';
import type { Message } from '../../../message/message.ts';
import { parseMessageText } from '../../../message/message-parser.ts';
import type { MaybePromise } from '../../../options/schema.ts';
import type {
  AckJoin,
  BlockedMessage,
  Broker,
  CloseReport,
  ConsumeRequest,
  Consumer,
  Deliver,
  Settlement,
} from '../../broker.ts';
import type { LeaseHolder, MemoryStore } from '../memory-store.ts';
import type { MemoryDelivery } from './memory-delivery.ts';
import { partsOf } from './memory-entry.ts';
import type { MemoryQueue, QueueConsumer } from './memory-queue.ts';

/** Deliveries in a row before other work of the process gets a turn of the event loop. */
const burstLength = 100;

/** What a consumer is made of. */
interface ConsumerParts {
  readonly store: MemoryStore;
  readonly request: ConsumeRequest;
  readonly deliver: Deliver;
}

/**
 * A running consumer. While it is open its timer holds the process alive, as a worker's sockets would; it renews the
 * leases and looks for orphans.
 */
export class MemoryConsumer implements Consumer, QueueConsumer, LeaseHolder {
  readonly #store: MemoryStore;
  readonly #request: ConsumeRequest;
  readonly #deliver: Deliver;
  readonly #queues: MemoryQueue[] = [];
  readonly #active = new Set<MemoryDelivery>();
  readonly #closed: Promise<CloseReport>;
  #resolveClosed: (report: CloseReport) => void = () => {};
  readonly #deadlines: Timer[] = [];
  #state: 'open' | 'paused' | 'closing' | 'closed' = 'open';
  #slots: number;
  #nextQueue = 0;
  #burst = 0;
  #resting = false;
  #timer: Timer;

  constructor(parts: ConsumerParts) {
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#store = parts.store;
    this.#request = parts.request;
    this.#deliver = parts.deliver;
    this.#slots = parts.request.slots;
    this.#store.holders.add(this);
    this.#timer = this.#startTimer();
    for (const name of parts.request.queues) this.#attach(name);
  }

  setSlots(slots: number): void {
    this.#slots = slots;
    this.fill();
  }

  async addQueue(queue: string): Promise<void> {
    if (this.#state === 'closing' || this.#state === 'closed') throw new ClosedError('the consumer');
    this.#attach(queue);
  }

  async removeQueue(name: string): Promise<void> {
    const index = this.#queues.findIndex((queue) => queue.name === name);
    if (index >= 0) for (const queue of this.#queues.splice(index, 1)) queue.detach(this);
  }

  pause(): void {
    if (this.#state === 'open') this.#state = 'paused';
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'open';
    this.fill();
  }

  close(deadline: number): Promise<CloseReport> {
    if (this.#state === 'closed') return this.#closed;
    this.#state = 'closing';
    for (const queue of this.#queues.splice(0)) queue.detach(this);
    if (this.#active.size === 0 || deadline <= 0) this.#finish();
    else this.#deadlines.push(this.#store.clock.after(deadline, () => this.#finish()));
    return this.#closed;
  }

  renew(): void {
    const expiresAt = this.#store.clock.now() + this.#request.leaseDuration;
    for (const delivery of this.#active) delivery.renew(expiresAt);
  }

  /** Starts deliveries while there are slots and messages, taking from its queues in turn. */
  fill(): void {
    while (this.#state === 'open' && this.#active.size < this.#slots && !this.#resting) {
      const delivery = this.#next();
      if (!delivery) return;
      void this.#run(delivery); // never rejects
      if (++this.#burst >= burstLength) this.#rest();
    }
  }

  #attach(name: string): void {
    if (this.#queues.some((queue) => queue.name === name)) return;
    const queue = this.#store.queue(name);
    this.#queues.push(queue);
    queue.attach(this);
  }

  #next(): MemoryDelivery | undefined {
    for (let tried = 0; tried < this.#queues.length; tried += 1) {
      const queue = this.#queues[this.#nextQueue % this.#queues.length] as MemoryQueue;
      this.#nextQueue = (this.#nextQueue + 1) % this.#queues.length;
      const delivery = this.#store.take(queue, this.#request.leaseDuration);
      if (delivery) return delivery;
    }
    return undefined;
  }

  /** The life of one delivery. When its settlement cannot be had or done, its lease runs out and the message comes again. */
  async #run(delivery: MemoryDelivery): Promise<void> {
    this.#active.add(delivery);
    try {
      const settlement = await this.#settlementOf(delivery);
      this.#store.settle(delivery, 'join' in settlement ? await this.#join(delivery, settlement) : settlement);
    } catch (error) {
      delivery.abandon();
      this.#report(error);
    }
    this.#active.delete(delivery);
    if (this.#state === 'closing' && this.#active.size === 0) this.#finish();
    else this.fill();
  }

  #settlementOf(delivery: MemoryDelivery): MaybePromise<Settlement> {
    let message: Message;
    try {
      message = parseMessageText(delivery.entry.body);
    } catch (error) {
      const parts = partsOf(delivery.entry.body);
      return this.#request.malformed({ queue: delivery.queue, reason: toFailure(error), ...parts });
    }
    return this.#deliver(delivery.carrying(message));
  }

  /** Records the member; the ack is its own where nothing else is to be done before. */
  async #join(
    delivery: MemoryDelivery,
    { outcome, join }: Extract<Settlement, { join: AckJoin }>,
  ): Promise<Settlement> {
    const ack: Settlement = { kind: 'ack' };
    if (!delivery.held) return ack; // too late: it changes nothing
    const { follow: _, ...member } = join;
    const state = this.#store.records.join({ ...member, succeeded: true, outcome });
    return state.complete || state.refused ? join.follow(state) : ack;
  }

  #report(error: unknown): void {
    this.#request.onError(error instanceof Error ? error : new Error('a delivery failed', { cause: error }));
  }

  /** Gives the event loop a turn: without it a long queue would hold up timers and sockets until it is empty. */
  #rest(): void {
    this.#burst = 0;
    this.#resting = true;
    setImmediate(() => {
      this.#resting = false;
      this.fill();
    });
  }

  #startTimer(): Timer {
    const { leaseDuration, orphanInterval } = this.#request;
    return this.#store.clock.after(
      Math.max(1, Math.min(leaseDuration / 2, orphanInterval)),
      () => {
        this.#timer = this.#startTimer();
        this.#store.sweepOrphans(this.#queues); // renews the leases first
      },
      { maintenance: true },
    );
  }

  #finish(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#timer.cancel();
    for (const timer of this.#deadlines) timer.cancel();
    this.#store.holders.delete(this);
    this.#resolveClosed(this.#handBack());
  }

  /** Last first, so that the first one stands first again. */
  #handBack(): CloseReport {
    let released = 0;
    for (const delivery of [...this.#active].reverse()) {
      if (!delivery.held) continue;
      this.#store.release(delivery);
      delivery.lose();
      released += 1;
    }
    return { released, abandoned: 0 };
  }
}

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
