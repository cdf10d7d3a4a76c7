import {
  type Clock,
  ClosedError,
  type CloseReport,
  type Consumer,
  ForeignQueueError,
  type LeaseGuardPlan,
  newTaskId,
  type Timer,
} from '@lovage/core/driver';
import { wake } from '../connection.ts';
import { planLeaseGuard } from '../lease-guard.ts';
import { DeliveryRunner, type Running } from './delivery-runner.ts';
import type { ConsumerParts } from './parts.ts';
import { claimQueue } from './queue-owner.ts';
import { type PollCount, QueueWorker } from './queue-worker.ts';
import { Slots } from './slots.ts';

/** The part of a close deadline that is kept for handing back what still runs, and its bounds in milliseconds. */
const handBackShare = 0.3;
const longestHandBack = 1_000;
/** How long a queue that is to be consumed may take to say whose it is, in milliseconds. */
const claimTimeout = 2_000;
const shortestHandBack = 250; // also for a deadline of 0: a reply takes time

/** A running consumer: one BullMQ worker per queue, and one set of slots for all. */
export class BullmqConsumer implements Consumer {
  readonly #parts: ConsumerParts;
  readonly #slots: Slots;
  readonly #runner: DeliveryRunner;
  readonly #workers = new Map<string, QueueWorker>();
  /** Workers of removed queues, whose deliveries still run. */
  readonly #retired = new Set<QueueWorker>();
  /** Every queue that it has ever consumed. */
  readonly #known = new Set<string>();
  /** Queues that are known to be Lovage's. */
  readonly #owned = new Set<string>();
  /** What the tokens of its locks begin with. */
  readonly #holder = `${newTaskId().slice(-12)}:`;
  #workersMade = 0;
  readonly #timers: Timer[] = [];
  #handBackTime = shortestHandBack;
  #paused = false;
  #closed: Promise<CloseReport> | undefined;
  #waitNoLonger: () => void = () => {};

  constructor(parts: ConsumerParts) {
    this.#parts = parts;
    this.#slots = new Slots(parts.request.slots);
    this.#runner = new DeliveryRunner(parts);
    this.#runner.onEnd = () => this.#ended();
  }

  /** Starts fetching from every queue of the request. */
  async start(): Promise<void> {
    await Promise.all(this.#parts.request.queues.map((queue) => this.addQueue(queue)));
  }

  setSlots(slots: number): void {
    this.#slots.setLimit(slots);
  }

  /** Throws {@link ForeignQueueError} when another program created the queue. */
  async addQueue(queue: string): Promise<void> {
    if (this.#closed) throw new ClosedError('the consumer');
    if (this.#workers.has(queue)) return;
    await this.#claim(queue);
    const worker = await this.#createWorker(queue);
    if (this.#closed || this.#workers.has(queue)) return worker.finish(); // meanwhile closed, or added by another call
    this.#workers.set(queue, worker);
    this.#known.add(queue);
    if (this.#paused) worker.hold();
    worker.start();
  }

  /** A Redis that does not answer now is asked again before the first fetch. */
  async #claim(queue: string): Promise<void> {
    if (this.#owned.has(queue)) return;
    const { link, keys } = this.#parts;
    try {
      await link.run((client) => claimQueue(client, { keys, queue }), claimTimeout);
      this.#owned.add(queue);
    } catch (error) {
      if (error instanceof ForeignQueueError) throw error;
      this.#parts.request.onError(error as Error);
    }
  }

  /** Whether jobs may be taken from the queue. Never rejects. */
  async #mayFetch(queue: string): Promise<boolean> {
    await this.#claim(queue).catch(this.#parts.request.onError);
    return this.#owned.has(queue);
  }

  async removeQueue(queue: string): Promise<void> {
    const worker = this.#workers.get(queue);
    if (!worker) return;
    this.#workers.delete(queue);
    await this.#retire(worker);
  }

  /** Its deliveries go on, and their leases are renewed. */
  async #retire(worker: QueueWorker): Promise<void> {
    this.#retired.add(worker);
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

  polls(): ReadonlyMap<string, number> {
    const polls = new Map<string, number>();
    if (this.#paused || this.#closed || this.#runner.busy >= this.#slots.limit) return polls;
    for (const [queue, worker] of this.#workers) if (worker.polls !== undefined) polls.set(queue, worker.polls);
    return polls;
  }

  leaseGuard(): LeaseGuardPlan {
    const { origin, request } = this.#parts;
    const { leaseDuration } = request;
    return planLeaseGuard({ origin, driver: 'bullmq', holder: this.#holder, queues: [...this.#known], leaseDuration });
  }

  /** New workers on new connections take the place of the old, which see their deliveries to the end. */
  async rebuild(): Promise<void> {
    this.#parts.clients.reconnect();
    await Promise.all([...this.#workers].map(([queue, worker]) => this.#replace(queue, worker)));
  }

  async #replace(queue: string, worker: QueueWorker): Promise<void> {
    const fresh = await this.#createWorker(queue, worker.pollCount);
    if (this.#closed || this.#workers.get(queue) !== worker) return fresh.finish();
    this.#workers.set(queue, fresh);
    void this.#retire(worker).catch(this.#parts.request.onError); // it may never answer: nobody waits for it
    if (this.#paused) fresh.hold();
    fresh.start();
  }

  close(deadline: number): Promise<CloseReport> {
    this.#closed ??= this.#close();
    const kept = Math.min(longestHandBack, deadline * handBackShare);
    this.#handBackTime = Math.max(shortestHandBack, kept);
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

  /** Hands back what still runs, last first, so that the first one stands first again. */
  async #handBackAll(stopped: Promise<unknown>): Promise<CloseReport> {
    const client = await this.#parts.clients.shared('worker').catch(() => undefined);
    const ends = [...this.#runner.running].reverse().map((running) => this.#end(running));
    if (client?.status !== 'ready') return { released: this.#runner.handedBack, abandoned: ends.length };
    const late = [...ends, stopped.then((): End => 'settled')].map((end) =>
      within(end, { clock: this.#parts.clock, ms: this.#handBackTime }),
    );
    const how = await Promise.all(late);
    const count = (wanted: End): number => how.slice(0, ends.length).filter((end) => end === wanted).length;
    return { released: this.#runner.handedBack + count('released'), abandoned: count('abandoned') };
  }

  /** A delivery that was answered in time is only waited for. */
  async #end(running: Running): Promise<End> {
    if (running.state === 'running') return (await this.#runner.handBack(running)) ? 'released' : 'abandoned';
    await this.#runner.ended(running);
    return 'settled';
  }

  #ended(): void {
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

  async #createWorker(queue: string, pollCount?: PollCount): Promise<QueueWorker> {
    const { clients, keys, request } = this.#parts;
    const name = keys.bullQueue(queue);
    const [client, blocking] = await Promise.all([
      clients.shared('worker'),
      clients.blocking(`${keys.bull}:${Buffer.from(name).toString('base64')}:w:${request.worker}`),
    ]);
    wake(blocking); // BullMQ takes a cluster client that never connected for one that lost its nodes
    return new QueueWorker({
      name,
      holder: `${this.#holder}${this.#workersMade++}:`,
      client,
      options: {
        prefix: keys.bull,
        name: request.worker,
        lockDuration: request.leaseDuration,
        stalledInterval: request.orphanInterval,
      },
      clients,
      blocking,
      storeClock: this.#parts.storeClock,
      queueEvents: this.#parts.queueEvents,
      slots: this.#slots,
      run: (job, worker) => this.#runner.run(queue, job, worker),
      mayFetch: () => this.#mayFetch(queue),
      ...(pollCount ? { pollCount } : {}),
      onError: request.onError,
    });
  }
}

/** How a delivery that was under way at the deadline ended. */
type End = 'settled' | 'released' | 'abandoned';

function within(end: Promise<End>, { clock, ms }: { readonly clock: Clock; readonly ms: number }): Promise<End> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, () => resolve('abandoned'));
    end.then(resolve, () => resolve('abandoned')).finally(() => timer.cancel());
  });
}
