import {
  ClosedError,
  type CloseReport,
  type ConsumeRequest,
  type Consumer,
  type Deliver,
  type LeaseGuardPlan,
  type Timer,
} from '@lovage/core/driver';
import { planLeaseGuard } from '../lease-guard.ts';
import type { BrokerParts } from '../redis-connection.ts';
import { type ConsumerContext, createContext } from './consumer-context.ts';
import { openQueues } from './entry/open-queue.ts';
import { QueueMaintenance } from './maintenance/queue-maintenance.ts';
import { DeliveryDispatcher } from './read/dispatcher.ts';
import { ReaderPool } from './read/reader-pool.ts';
import { handBackAll } from './settle/hand-back.ts';
import { LeaseKeeper } from './settle/lease-keeper.ts';
import { Settler } from './settle/settler.ts';

/** The part of a close deadline that is kept for handing back what still runs, and its bound in milliseconds. */
const handBackShare = 0.3;
const longestHandBack = 1_000;

/** A running consumer of any number of queues: readers → dispatcher → settler, and their life. */
export class StreamsConsumer implements Consumer {
  /** Resolves when it has closed. */
  readonly closed: Promise<CloseReport>;
  readonly #context: ConsumerContext;
  readonly #settler: Settler;
  readonly #dispatcher: DeliveryDispatcher;
  readonly #readers: ReaderPool;
  readonly #leases: LeaseKeeper;
  readonly #maintenance: QueueMaintenance;
  readonly #timers: Timer[] = [];
  #resolveClosed: (report: CloseReport) => void = () => {};
  #waitNoLonger: () => void = () => {};

  /** Opens a consumer that reads from every queue of its request. */
  static async open(parts: BrokerParts, request: ConsumeRequest, deliver: Deliver): Promise<StreamsConsumer> {
    const consumer = new StreamsConsumer(await createContext(parts, request), deliver);
    consumer.#readers.start();
    try {
      await consumer.#addQueues(request.queues);
      return consumer;
    } catch (error) {
      await consumer.close(0);
      throw error;
    }
  }

  private constructor(context: ConsumerContext, deliver: Deliver) {
    this.#context = context;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#settler = new Settler(context);
    this.#dispatcher = new DeliveryDispatcher(context, deliver, this.#settler);
    this.#readers = new ReaderPool(context, this.#dispatcher);
    this.#leases = new LeaseKeeper(context);
    this.#maintenance = new QueueMaintenance(context, this.#leases, this.#readers);
  }

  setSlots(slots: number): void {
    this.#dispatcher.setSlots(slots);
    this.#readers.refresh();
  }

  addQueue(name: string): Promise<void> {
    return this.#addQueues([name]);
  }

  async #addQueues(names: readonly string[]): Promise<void> {
    const { queues } = this.#context;
    if (queues.closing) throw new ClosedError('the consumer');
    const opened = await openQueues(this.#context, names);
    if (queues.closing) return;
    const added = opened.filter(({ name }) => !queues.has(name)); // meanwhile added by another call
    for (const queue of added) {
      queues.add(queue);
      this.#maintenance.add(queue);
    }
    await this.#readers.addAll(added);
  }

  async removeQueue(name: string): Promise<void> {
    const queue = this.#context.queues.remove(name);
    if (!queue) return;
    this.#maintenance.remove(name);
    this.#readers.remove(queue);
  }

  pause(): void {
    this.#context.queues.paused = true;
    this.#readers.stop();
  }

  resume(): void {
    const { queues } = this.#context;
    if (queues.closing) return;
    queues.paused = false;
    this.#readers.start();
  }

  polls(): ReadonlyMap<string, number> {
    const { paused, closing } = this.#context.queues;
    return paused || closing || this.#dispatcher.room <= 0 ? new Map() : this.#readers.polls();
  }

  leaseGuard(): LeaseGuardPlan {
    const { origin, name, queues, request } = this.#context;
    const { leaseDuration } = request;
    return planLeaseGuard({ origin, driver: 'streams', holder: name, queues: queues.known, leaseDuration });
  }

  async rebuild(): Promise<void> {
    this.#context.clients.reconnect();
    await this.#readers.rebuild();
  }

  close(deadline: number): Promise<CloseReport> {
    const { clock, queues } = this.#context;
    if (!queues.closing) {
      queues.closing = true;
      void this.#close(); // never rejects
    }
    const kept = Math.min(longestHandBack, deadline * handBackShare);
    this.#timers.push(clock.after(deadline - kept, () => this.#waitNoLonger()));
    return this.closed;
  }

  async #close(): Promise<void> {
    this.#readers.stop();
    this.#maintenance.close();
    const enough = new Promise<void>((resolve) => {
      this.#waitNoLonger = resolve;
    });
    const quiet = (): Promise<void> => this.#context.held.quiet(() => this.#readers.reading);
    await Promise.race([enough, quiet()]);
    const { released, abandoned } = await handBackAll(this.#context, this.#settler, this.#readers.reading, quiet);
    this.#leases.close();
    for (const timer of this.#timers) timer.cancel();
    this.#readers.close();
    this.#resolveClosed({ released: released + this.#dispatcher.handedBack, abandoned });
  }
}
