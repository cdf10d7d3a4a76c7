import type { AppRuntime } from '../app/app-runtime.ts';
import { withDeadline } from '../clock.ts';
import type { Consumer } from '../driver/broker.ts';
import type { StoreReport } from '../driver/driver.ts';
import type { Subscription } from '../driver/result-backend.ts';
import { ConfigurationError, type ConsumerWedgedError, WorkerShutdownError } from '../errors.ts';
import type { WorkerReport } from '../events/worker-report.ts';
import type { MinuteStats } from '../history/minute-stats.ts';
import { type Duration, parseDuration } from '../options/duration.ts';
import { limits } from '../options/limits.ts';
import { queueName } from '../options/option-reader.ts';
import type { ResolvedWorkerSettings } from '../settings/app-options.ts';
import { warnRenamed } from '../settings/renamed-settings.ts';
import { version } from '../version.ts';
import { type AutoscaleLimits, Autoscaler, readLimits, type Scalable } from './background/autoscale.ts';
import type { BroadcastMembership } from './background/broadcast-membership.ts';
import type { FetchYield } from './background/fetch-yield.ts';
import type { Periodic } from './background/periodic.ts';
import type { PollWatch, UnpolledQueue } from './background/poll-watch.ts';
import type { RateWaker } from './background/rate-waker.ts';
import type { SemaphoreReconciler } from './background/semaphore-reconciler.ts';
import type { TaskDiscovery } from './control/task-discovery.ts';
import type { Batching } from './execution/batching.ts';
import type { DeliveryReceiver } from './execution/delivery-receiver.ts';
import type { HistoryRecorder } from './history-recorder.ts';
import type { LoopWatch } from './loop/loop-watch.ts';
import type { Pools } from './pool/pools.ts';
import type { EventObserver } from './reporting/event-observer.ts';
import type { WorkerEvents } from './reporting/worker-events.ts';
import type { WorkerStats } from './reporting/worker-stats.ts';

/** How a worker ended. */
export interface ShutdownReport {
  /** Tasks that were under way when the drain was over and went back to their queues unspent. */
  readonly released: number;
  /** Tasks that could not be handed back (broker gone); they come back when their leases run out. */
  readonly abandoned: number;
}

/** What handlers that heed their signal get after the drain, before their messages are handed back around them. */
const abortGrace = 500;
/** What ending the pools' children may take: one that is busy in native code can be ended only after it. */
const killDeadline = 400;
const releaseDeadline = 3_000;
/** What telling the store of the end may take. */
const goodbyeDeadline = 700;

/** The drain of a worker that is closed by its app, which is to end within 10 s whatever runs. */
const longestDrainOfApp = 4_000;

/** What {@link Worker} is made of. */
export interface WorkerParts {
  readonly name: string;
  readonly report: StoreReport;
  readonly runtime: AppRuntime;
  readonly settings: ResolvedWorkerSettings;
  readonly stats: WorkerStats;
  readonly receiver: DeliveryReceiver;
  readonly consumer: Consumer;
  readonly watch: PollWatch;
  readonly loop: LoopWatch;
  readonly giveUp: AbortController;
  readonly observer: EventObserver;
  readonly pools: Pools;
  readonly batching: Batching | undefined;
  /** undefined: the app has no broadcast queues. */
  readonly broadcastMembership: BroadcastMembership | undefined;
  readonly reconciler: SemaphoreReconciler;
  readonly history: HistoryRecorder | undefined;
  readonly rateWaker: RateWaker | undefined;
  readonly discovery: TaskDiscovery;
  readonly fetchYield: FetchYield;
  /** What it does beside its tasks. */
  readonly background: readonly Periodic[];
  /** Makes the worker's own events, where the broker has a bus. */
  readonly events: ((report: () => WorkerReport) => WorkerEvents) | undefined;
}

/** A running worker of an app; {@link startWorker} makes it. */
export class Worker {
  readonly name: string;
  /** What the broker said of itself at the start. */
  readonly broker: StoreReport;
  readonly #runtime: AppRuntime;
  readonly #settings: ResolvedWorkerSettings;
  readonly #stats: WorkerStats;
  readonly #receiver: DeliveryReceiver;
  readonly #consumer: Consumer;
  readonly #broadcastMembership: BroadcastMembership | undefined;
  readonly #watch: PollWatch;
  readonly #loop: LoopWatch;
  readonly #giveUp: AbortController;
  readonly #observer: EventObserver;
  readonly #events: WorkerEvents | undefined;
  readonly #pools: Pools;
  readonly #batching: Batching | undefined;
  readonly #reconciler: SemaphoreReconciler;
  readonly #history: HistoryRecorder | undefined;
  readonly #rateWaker: RateWaker | undefined;
  readonly #discovery: TaskDiscovery;
  readonly #fetchYield: FetchYield;
  readonly #background: readonly Periodic[];
  readonly #startedAt: number;
  readonly #queues: Set<string>;
  readonly #forget: () => void;
  readonly #control: Subscription[] = [];
  #autoscaler: Autoscaler | undefined;
  #slots: number;
  #closing: Promise<ShutdownReport> | undefined;
  #forceDrain: () => void = () => {};
  readonly #drainForced: Promise<void> = new Promise((resolve) => {
    this.#forceDrain = resolve;
  });
  #askToStop: () => void = () => {};
  /** Resolves when somebody asks the worker from afar to shut down; whoever started it then closes it. */
  readonly shutdownRequested: Promise<void> = new Promise((resolve) => {
    this.#askToStop = resolve;
  });

  /** @internal Made by {@link startWorker}. */
  constructor(parts: WorkerParts) {
    this.name = parts.name;
    this.broker = parts.report;
    this.#runtime = parts.runtime;
    this.#settings = parts.settings;
    this.#stats = parts.stats;
    this.#receiver = parts.receiver;
    this.#consumer = parts.consumer;
    this.#broadcastMembership = parts.broadcastMembership;
    this.#watch = parts.watch;
    this.#loop = parts.loop;
    this.#giveUp = parts.giveUp;
    this.#observer = parts.observer;
    this.#pools = parts.pools;
    this.#batching = parts.batching;
    this.#reconciler = parts.reconciler;
    this.#history = parts.history;
    this.#rateWaker = parts.rateWaker;
    this.#rateWaker?.start();
    this.#discovery = parts.discovery;
    this.#fetchYield = parts.fetchYield;
    this.#fetchYield.attach(parts.consumer);
    this.#background = parts.background;
    this.#events = parts.events?.(() => this.report());
    this.#slots = parts.settings.concurrency;
    this.#batching?.attach(parts.consumer);
    this.#queues = new Set(parts.settings.queues);
    this.#startedAt = parts.runtime.clock.monotonic();
    this.setEvents(parts.observer.enabled); // reports what stands above
    const close = () => this.close({ drain: Math.min(parts.settings.drain, longestDrainOfApp) });
    parts.runtime.closers.add(close);
    this.#forget = () => void parts.runtime.closers.delete(close);
  }

  /**
   * Resolves when its consumer does not poll any more and could not be made to: nothing else will happen here, and whoever
   * started the worker had better close it and end the process, as the CLI does (75).
   */
  get wedged(): Promise<ConsumerWedgedError> {
    return this.#watch.wedged;
  }

  /** The queue that has gone unpolled for longest; undefined while there is none to poll (no slot free, closing, in memory). */
  get longestUnpolledQueue(): UnpolledQueue | undefined {
    return this.#watch.longestUnpolledQueue;
  }

  /** @deprecated called {@link Worker.longestUnpolledQueue} */
  get silence(): UnpolledQueue | undefined {
    warnRenamed('worker.silence', 'worker.longestUnpolledQueue');
    return this.longestUnpolledQueue;
  }

  /** Why tasks of its threads or processes cannot run (no child starts); undefined while they can. */
  get poolTrouble(): string | undefined {
    return this.#pools.trouble;
  }

  /**
   * How its attempts ended and how long they waited and ran, by task and queue, since the first call: for metrics. At most 500 names, the
   * others as `(other)`. Empty with `history: 'off'`.
   */
  totals(): readonly MinuteStats[] {
    return this.#history?.totals() ?? [];
  }

  /** How many tasks it runs at once. */
  get slots(): number {
    return this.#slots;
  }

  /** Changes how many tasks it runs at once; running ones are not touched. */
  setSlots(slots: number): void {
    if (!Number.isSafeInteger(slots) || slots < 1 || slots > limits.slots)
      throw new ConfigurationError(`setSlots: expected a whole number from 1 to ${limits.slots}, received ${slots}`);
    this.#slots = slots;
    this.#pools.setSize(slots);
    if (this.#batching) this.#batching.setSlots(slots);
    else this.#consumer.setSlots(slots);
  }

  /**
   * Lets the slots follow the load from now on: more when all are busy and messages wait, fewer when some were idle for
   * 30 s. Throws {@link ConfigurationError}.
   */
  autoscale(limits: AutoscaleLimits): void {
    const checked = readLimits(limits, 'autoscale');
    if (this.#autoscaler) this.#autoscaler.setLimits(checked);
    else if (this.#closing === undefined) this.#autoscaler = new Autoscaler(this.#scalable(), checked, this.#runtime);
  }

  #scalable(): Scalable {
    return {
      load: () => ({ slots: this.#slots, running: this.#batching?.busy ?? this.#stats.running.length }),
      setSlots: (slots) => this.setSlots(slots),
      waiting: async () => {
        const counts = await this.#runtime.stores.current?.monitor?.counts([...this.#queues]);
        return (counts ?? []).reduce((sum, { waiting }) => sum + waiting, 0);
      },
    };
  }

  /** Consumes one more queue. Throws {@link ConfigurationError} for a name that no queue can have. */
  async addQueue(queue: string): Promise<void> {
    queueName(queue, 'addQueue');
    await this.#consumer.addQueue(this.#broadcastMembership ? await this.#broadcastMembership.join(queue) : queue);
    this.#queues.add(queue);
    this.#loop.guard(this.#consumer.leaseGuard?.());
  }

  /** Stops consuming a queue; its running tasks go on. */
  async removeQueue(queue: string): Promise<void> {
    const stop = (name: string): Promise<void> => this.#consumer.removeQueue(name);
    await (this.#broadcastMembership ? this.#broadcastMembership.leave(queue, stop) : stop(queue));
    this.#queues.delete(queue);
  }

  /** Switches events on or off; off where the broker has no bus. A worker that closes has said goodbye, and stays off. */
  setEvents(on: boolean): void {
    this.#observer.enabled = on && this.#events !== undefined && this.#closing === undefined;
    if (this.#observer.enabled) this.#events?.start();
    else void this.#events?.stop(); // never rejects: the sender drops what the bus does not take
  }

  /** @internal Remote commands that reach this worker, closed with it; at once where it has closed before they could. */
  holdControl(control: Subscription): void {
    this.#control.push(control);
    if (this.#closing) void control.close().catch(() => undefined); // as in the shutdown
  }

  /** Settles {@link Worker.shutdownRequested}. */
  requestShutdown(): void {
    this.#askToStop();
  }

  /** What `inspect` shows of it. */
  report(): WorkerReport {
    const { name, registry, clock } = this.#runtime;
    return {
      name: this.name,
      app: name,
      pid: process.pid,
      queues: [...this.#queues],
      slots: this.#slots,
      running: this.#stats.running,
      counts: this.#stats.counts,
      load: this.#stats.load,
      tasks: registry.names().filter((task) => registry.get(task)?.handler),
      uptime: Math.round((clock.monotonic() - this.#startedAt) / 1000),
      events: this.#observer.enabled,
      rss: process.memoryUsage.rss(),
      loopLag: this.#loop.lag,
      clockSkew: this.#runtime.brokerClock.ahead,
      unpolledFor: Math.round(this.longestUnpolledQueue?.since ?? 0),
      versions: { lovage: version, node: process.versions.node },
      ...(this.#closing === undefined ? {} : { draining: true }),
    };
  }

  /**
   * Stops fetching, waits up to `drain` for running tasks, then aborts them and hands them back unspent. A second call
   * with a shorter drain hurries the first. Ends within the drain plus 5 s, also when the broker is dead.
   */
  close(options: { readonly drain?: Duration } = {}): Promise<ShutdownReport> {
    const drain =
      options.drain === undefined ? this.#settings.drain : parseDuration(options.drain, 'worker.close: drain');
    if (this.#closing === undefined) this.#closing = this.#shutDown(drain);
    else if (drain === 0) this.#forceDrain();
    else this.#runtime.clock.after(drain, this.#forceDrain, { background: true });
    return this.#closing;
  }

  async #shutDown(drain: number): Promise<ShutdownReport> {
    const info = { app: this.#runtime.name, worker: this.name, queues: [...this.#queues] };
    this.#runtime.plugins.emit('workerShuttingDown', info);
    this.#autoscaler?.stop();
    this.#watch.close();
    this.#discovery.close();
    this.#fetchYield.close();
    this.#consumer.pause();
    this.#runtime.workflows.drain(this.name);
    const retired = this.#broadcastMembership?.retire();
    this.#batching?.flush();
    const drained = await this.#within(drain, this.#drainForced);
    if (!drained) {
      for (const context of this.#stats.contexts) context.abort(new WorkerShutdownError(context.id));
      this.#giveUp.abort();
      await this.#within(abortGrace);
    }
    this.#giveUp.abort();
    this.#rateWaker?.close();
    for (const periodic of this.#background) periodic.stop();
    await this.#soon(this.#pools.close(), killDeadline); // before their tasks go back: nothing runs beside its next run
    const report = await this.#consumer.close(releaseDeadline);
    await retired;
    const goodbyes = [
      this.#history?.flush(),
      this.#broadcastMembership?.close(),
      this.#reconciler.close(),
      this.#events?.stop(),
    ];
    await this.#soon(Promise.all(goodbyes), goodbyeDeadline);
    await this.#loop.close();
    await this.#soon(this.#runtime.plugins.emitAndWait('workerShutdown', info), goodbyeDeadline);
    await Promise.allSettled(this.#control.map((control) => control.close())); // the connection ends with the app in any case
    this.#forget();
    // what heeded its abort and could not be handed back for a dead broker is among the abandoned
    const handedBack = Math.max(0, this.#receiver.handedBack - report.abandoned);
    return { ...report, released: report.released + handedBack };
  }

  /** True when everything under way ended in time, and before there was `enough` of waiting. */
  #within(ms: number, enough?: Promise<void>): Promise<boolean> {
    const { clock } = this.#runtime;
    return new Promise((resolve) => {
      const end = (done: boolean): void => {
        timer.cancel();
        resolve(done);
      };
      const timer = clock.after(ms, () => end(this.#receiver.running === 0));
      void this.#receiver.idle().then(() => end(true));
      void enough?.then(() => end(false));
    });
  }

  /** What does not end in time is not waited for. */
  async #soon(work: Promise<unknown>, ms: number): Promise<void> {
    await withDeadline(this.#runtime.clock, ms, work, () => undefined).catch(() => undefined);
  }

  [Symbol.asyncDispose](): Promise<ShutdownReport> {
    return this.close();
  }
}
