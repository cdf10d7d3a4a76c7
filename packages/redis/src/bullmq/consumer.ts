import { ClosedError, type CloseReport, type Consumer, type ConsumeRequest, type Deliver, type Timer } from '@lovage/core/driver';
import { bullName } from '../keys.ts';
import type { BrokerParts } from './broker.ts';
import { DeliveryRunner, type Running } from './delivery-runner.ts';
import { QueueWorker } from './queue-worker.ts';
import { Slots } from './slots.ts';

/** What a consumer is made of. */
export interface ConsumerParts extends BrokerParts {
  readonly request: ConsumeRequest;
  readonly deliver: Deliver;
  /** Called when the consumer has closed. */
  readonly onClosed: () => void;
}

/** The part of a close deadline that is kept for handing back what still runs, and its bounds in milliseconds. */
const handBackShare = 0.3;
const longestHandBack = 1_000;
const shortestHandBack = 250;

/** A running consumer: one BullMQ worker per queue, and one set of slots for all. */
export class BullmqConsumer implements Consumer {
  readonly #parts: ConsumerParts;
  readonly #slots: Slots;
  readonly #runner: DeliveryRunner;
  readonly #workers = new Map<string, QueueWorker>();
  /** Workers of removed queues, whose deliveries still run. */
  readonly #retired = new Set<QueueWorker>();
  readonly #timers: Timer[] = [];
  #paused = false;
  #closed: Promise<CloseReport> | undefined;
  #waitNoLonger: () => void = () => {};

  constructor(parts: ConsumerParts) {
    this.#parts = parts;
    this.#slots = new Slots(parts.request.slots);
    this.#runner = new DeliveryRunner(parts);
    this.#runner.onEnd = (ended) => this.#ended(ended);
  }

  /** Starts fetching from every queue of the request. */
  async start(): Promise<void> {
    await Promise.all(this.#parts.request.queues.map((queue) => this.addQueue(queue)));
  }

  setSlots(slots: number): void {
    this.#slots.setLimit(slots);
  }

  async addQueue(queue: string): Promise<void> {
    if (this.#closed) throw new ClosedError('the consumer');
    if (this.#workers.has(queue)) return;
    const worker = await this.#createWorker(queue);
    if (this.#closed || this.#workers.has(queue)) return worker.finish(); // meanwhile closed, or added by another call
    this.#workers.set(queue, worker);
    if (this.#paused) worker.hold();
    worker.start();
  }

  async removeQueue(queue: string): Promise<void> {
    const worker = this.#workers.get(queue);
    if (!worker) return;
    this.#workers.delete(queue);
    this.#retired.add(worker); // its deliveries go on, and their leases are renewed
    await worker.stopFetching();
    this.#finishRetired();
  }

  pause(): void {
    this.#paused = true;
    for (const worker of this.#workers.values()) worker.hold();
  }

  resume(): void {
    this.#paused = false;
    for (const worker of this.#workers.values()) worker.unhold();
  }

  close(deadline: number): Promise<CloseReport> {
    this.#closed ??= this.#close();
    const kept = Math.min(longestHandBack, deadline * handBackShare);
    this.#timers.push(this.#parts.clock.after(deadline - kept, () => this.#waitNoLonger()));
    return this.#closed;
  }

  async #close(): Promise<CloseReport> {
    this.#runner.close();
    const enough = new Promise<void>((resolve) => {
      this.#waitNoLonger = resolve;
    });
    const workers = [...this.#workers.values(), ...this.#retired];
    const stopped = Promise.all(workers.map((worker) => worker.stopFetching()));
    await Promise.race([enough, stopped.then(() => this.#idle())]);
    const report = await this.#handBackAll(stopped);
    for (const timer of this.#timers) timer.cancel();
    for (const worker of workers) worker.finish();
    this.#parts.onClosed();
    return report;
  }

  /** Resolves when nothing runs. */
  async #idle(): Promise<void> {
    if (this.#runner.running.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }
  #onIdle: () => void = () => {};

  async #handBackAll(stopped: Promise<unknown>): Promise<CloseReport> {
    const client = await this.#parts.clients.shared('worker').catch(() => undefined);
    const left = [...this.#runner.running].reverse(); // last first, so that the first one stands first again
    const reachable = client?.status === 'ready';
    const back = left.map((running) => (running.state === 'running' ? this.#runner.handBack(running) : this.#settled(running)));
    const unknown = left.length;
    if (!reachable) return { released: this.#runner.handedBack, abandoned: unknown };
    const results = await Promise.all([...back, stopped].map((work) => within(this.#parts, work)));
    const released = left.filter((running, index) => running.state === 'handedBack' && results[index] === true).length;
    const abandoned = results.slice(0, left.length).filter((done) => done !== true).length;
    return { released: released + this.#runner.handedBack, abandoned };
  }

  /** A delivery that was answered in time is only waited for. */
  async #settled(running: Running): Promise<boolean> {
    while (this.#runner.running.has(running)) await new Promise((resolve) => setTimeout(resolve, 5));
    return true;
  }

  #ended(_ended: Running): void {
    if (this.#runner.running.size === 0) this.#onIdle();
    if (this.#retired.size > 0) this.#finishRetired();
  }

  #finishRetired(): void {
    const busy = new Set([...this.#runner.running].map((running) => running.worker));
    for (const worker of this.#retired) {
      if (busy.has(worker) || worker.fetching) continue;
      this.#retired.delete(worker);
      worker.finish();
    }
  }

  async #createWorker(queue: string): Promise<QueueWorker> {
    const { clients, keys, request } = this.#parts;
    const name = bullName(queue);
    const [client, blocking] = await Promise.all([
      clients.shared('worker'),
      clients.blocking(`${keys.bull}:${Buffer.from(name).toString('base64')}:w:${request.worker}`),
    ]);
    return new QueueWorker({
      name,
      client,
      options: {
        prefix: keys.bull,
        name: request.worker,
        lockDuration: request.leaseDuration,
        stalledInterval: request.orphanInterval,
      },
      clients,
      blocking,
      slots: this.#slots,
      run: (job, worker) => this.#runner.run(queue, job, worker),
      onError: request.onError,
    });
  }
}

/** Whether this work was done in time. */
function within(parts: ConsumerParts, work: Promise<unknown>): Promise<unknown> {
  return new Promise((resolve) => {
    const timer = parts.clock.after(shortestHandBack, () => resolve(false));
    work
      .then(resolve, () => resolve(false))
      .finally(() => timer.cancel());
  });
}
