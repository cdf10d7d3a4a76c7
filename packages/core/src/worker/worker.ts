import { hostname } from 'node:os';
import type { Lovage } from '../app/app.ts';
import { type ResolvedWorkerSettings, resolveWorkerSettings, type WorkerSettings } from '../app/app-options.ts';
import { type AppRuntime, runtimeOf } from '../app/app-runtime.ts';
import type { OpenStores } from '../app/stores.ts';
import { sleep, withDeadline } from '../clock.ts';
import type { Consumer } from '../driver/broker.ts';
import type { StoreReport } from '../driver/driver.ts';
import type { Subscription } from '../driver/result-backend.ts';
import {
  BrokerUnavailableError,
  ConfigurationError,
  LovageError,
  UnsafeBrokerError,
  WorkerShutdownError,
} from '../errors.ts';
import { type Duration, parseDuration } from '../task/duration.ts';
import type { JsonValue } from '../task/json.ts';
import { DeliveryReceiver } from './consumer.ts';
import { startControl } from './control.ts';
import { createDefaultMiddleware } from './default-middleware.ts';
import { Executor } from './executor.ts';
import type { Middleware } from './middleware.ts';
import { StateWriter } from './state-writer.ts';
import { type AttemptCounts, type RunningTask, WorkerStats } from './worker-stats.ts';

/** Options of a worker, over the app's `worker` settings. */
export interface WorkerOptions extends WorkerSettings {
  /** Its name; `%h` stands for the host's name, `%p` for the process id. @default '<app>-%p@%h' */
  readonly name?: string;
  /** Refuse a broker under whose settings acknowledged tasks can be lost ({@link UnsafeBrokerError}). @default false */
  readonly strictBroker?: boolean;
  /** Throw when the broker cannot be reached at the start, instead of trying until it can. @default false */
  readonly exitOnBrokerLoss?: boolean;
  /** Wrappers around each attempt, inside the worker's own. @default [] */
  readonly middleware?: readonly Middleware[];
  /** Ends the start (not the running worker) when it aborts. */
  readonly signal?: AbortSignal;
}

/** A worker, seen from outside. */
export interface WorkerReport {
  readonly name: string;
  readonly app: string;
  readonly pid: number;
  readonly queues: readonly string[];
  readonly slots: number;
  readonly running: readonly RunningTask[];
  readonly counts: AttemptCounts;
  readonly tasks: readonly string[];
  /** Seconds since it started. */
  readonly uptime: number;
}

/** How a worker ended. */
export interface ShutdownReport {
  /** Tasks that were under way when the drain was over and went back to their queues unspent. */
  readonly released: number;
  /** Tasks that could not be handed back (broker gone); they come back when their leases run out. */
  readonly abandoned: number;
}

const checkTimeout = 5_000;
const longestStartRetry = 5_000;
/** What handlers that heed their signal get after the drain, before their messages are handed back around them. */
const abortGrace = 500;
const releaseDeadline = 3_000;

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
  readonly #giveUp: AbortController;
  readonly #startedAt: number;
  readonly #queues: Set<string>;
  readonly #forget: () => void;
  #control: Subscription | undefined;
  #slots: number;
  #closing: Promise<ShutdownReport> | undefined;
  #hurry: (() => void) | undefined;

  /** @internal Made by {@link startWorker}. */
  constructor(parts: WorkerParts) {
    this.name = parts.name;
    this.broker = parts.report;
    this.#runtime = parts.runtime;
    this.#settings = parts.settings;
    this.#stats = parts.stats;
    this.#receiver = parts.receiver;
    this.#consumer = parts.consumer;
    this.#giveUp = parts.giveUp;
    this.#slots = parts.settings.concurrency;
    this.#queues = new Set(parts.settings.queues);
    this.#startedAt = parts.runtime.clock.monotonic();
    const close = () => this.close();
    parts.runtime.closers.add(close);
    this.#forget = () => void parts.runtime.closers.delete(close);
  }

  /** @internal */
  async listen(bus: OpenStores['bus']): Promise<void> {
    if (bus === undefined) return;
    const { logger, clock } = this.#runtime;
    const commands = {
      ping: () => 'pong',
      stats: () => this.report() as unknown as JsonValue, // a report is plain data
    };
    try {
      this.#control = await withDeadline(
        clock,
        checkTimeout,
        startControl(bus, this.name, commands, logger),
        () => new Error('the bus did not confirm the subscription'),
      );
    } catch (error) {
      logger.warn('remote control is off: cannot listen on the bus', { error });
    }
  }

  /** How many tasks it runs at once. */
  get slots(): number {
    return this.#slots;
  }

  /** Changes how many tasks it runs at once; running ones are not touched. */
  setSlots(slots: number): void {
    if (!Number.isSafeInteger(slots) || slots < 1)
      throw new ConfigurationError(`setSlots: expected a whole number from 1, received ${slots}`);
    this.#slots = slots;
    this.#consumer.setSlots(slots);
  }

  /** Consumes one more queue. */
  async addQueue(queue: string): Promise<void> {
    await this.#consumer.addQueue(queue);
    this.#queues.add(queue);
  }

  /** Stops consuming a queue; its running tasks go on. */
  async removeQueue(queue: string): Promise<void> {
    await this.#consumer.removeQueue(queue);
    this.#queues.delete(queue);
  }

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
      tasks: registry.names().filter((task) => registry.get(task)?.handler),
      uptime: Math.round((clock.monotonic() - this.#startedAt) / 1000),
    };
  }

  /**
   * Stops fetching, waits up to `drain` for running tasks, then aborts them and hands them back unspent. A second call
   * with a shorter drain hurries the first. Ends within the drain plus 5 s, also when the broker is dead.
   */
  close(options: { readonly drain?: Duration } = {}): Promise<ShutdownReport> {
    const drain =
      options.drain === undefined ? this.#settings.drain : parseDuration(options.drain, 'worker.close: drain');
    if (this.#closing !== undefined) {
      if (drain === 0) this.#hurry?.();
      return this.#closing;
    }
    this.#closing = this.#shutDown(drain);
    return this.#closing;
  }

  async #shutDown(drain: number): Promise<ShutdownReport> {
    this.#consumer.pause();
    const drained = await this.#drain(drain);
    if (!drained) {
      for (const context of this.#stats.contexts) context.abort(new WorkerShutdownError(context.id));
      this.#giveUp.abort();
      await this.#within(abortGrace);
    }
    this.#giveUp.abort();
    const report = await this.#consumer.close(releaseDeadline);
    await this.#control?.close().catch(() => undefined); // the connection ends with the app in any case
    this.#forget();
    return report;
  }

  /** True when everything under way ended in time. */
  #drain(ms: number): Promise<boolean> {
    const hurried = new Promise<boolean>((resolve) => {
      this.#hurry = () => resolve(false);
    });
    return Promise.race([this.#within(ms), hurried]);
  }

  #within(ms: number): Promise<boolean> {
    const { clock } = this.#runtime;
    return new Promise((resolve) => {
      const timer = clock.after(ms, () => resolve(this.#receiver.running === 0));
      void this.#receiver.idle().then(() => {
        timer.cancel();
        resolve(true);
      });
    });
  }

  [Symbol.asyncDispose](): Promise<ShutdownReport> {
    return this.close();
  }
}

interface WorkerParts {
  readonly name: string;
  readonly report: StoreReport;
  readonly runtime: AppRuntime;
  readonly settings: ResolvedWorkerSettings;
  readonly stats: WorkerStats;
  readonly receiver: DeliveryReceiver;
  readonly consumer: Consumer;
  readonly giveUp: AbortController;
}

/**
 * Starts a worker in this process: resolves when it consumes. Without `exitOnBrokerLoss` it tries until the broker can be
 * reached. Throws {@link ConfigurationError}, {@link BrokerAuthenticationError}, {@link UnsafeBrokerError} (with
 * `strictBroker`), {@link BrokerUnavailableError} (with `exitOnBrokerLoss`). Signals are the caller's: the CLI sets them.
 */
export async function startWorker(app: Lovage, options: WorkerOptions = {}): Promise<Worker> {
  const runtime = runtimeOf(app);
  const { name: givenName, strictBroker, exitOnBrokerLoss, middleware = [], signal, ...rest } = options;
  const settings = resolveWorkerSettings(rest, runtime.settings.worker, 'startWorker');
  const name = nameOf(givenName ?? `${runtime.name}-%p@%h`);
  const stores = await runtime.stores.open();
  const report = await reachBroker(runtime, stores, { exitOnBrokerLoss, signal });
  if (strictBroker && report.warnings.length > 0)
    throw new UnsafeBrokerError(`${runtime.stores.display}: ${report.warnings.join('; ')}`);
  for (const warning of report.warnings) runtime.logger.warn(warning);

  const giveUp = new AbortController();
  const stats = new WorkerStats(runtime.clock);
  const receiver = createReceiver(runtime, stores, { settings, name, middleware, stats, giveUp: giveUp.signal });
  const consumer = await stores.broker.consume(
    {
      queues: settings.queues,
      slots: settings.concurrency,
      worker: name,
      leaseDuration: settings.lockDuration,
      orphanInterval: settings.stalledInterval,
      malformed: receiver.malformed,
      onError: (error) => runtime.logger.warn('broker trouble', { error }),
    },
    receiver.deliver,
  );
  const worker = new Worker({ name, report, runtime, settings, stats, receiver, consumer, giveUp });
  await worker.listen(stores.bus);
  return worker;
}

interface ReceiverParts {
  readonly settings: ResolvedWorkerSettings;
  readonly name: string;
  readonly middleware: readonly Middleware[];
  readonly stats: WorkerStats;
  readonly giveUp: AbortSignal;
}

function createReceiver(runtime: AppRuntime, stores: OpenStores, parts: ReceiverParts): DeliveryReceiver {
  const { clock, logger, settings } = runtime;
  const { results, acksWithOutcome } = stores;
  const shared = { clock, logger, worker: parts.name, resultExpires: settings.resultExpires };
  const executor = new Executor({
    ...shared,
    middleware: [
      ...createDefaultMiddleware({ clock, results, crashBudget: parts.settings.crashBudget }),
      ...parts.middleware,
    ],
    states: new StateWriter(results, logger, (message) => message.resultExpires ?? settings.resultExpires),
    random: Math.random,
    maxPayload: { bytes: settings.maxPayload, option: 'maxPayload' },
    maxResult: { bytes: settings.maxResult, option: 'maxResult' },
    storesResults: results !== undefined,
    observer: parts.stats,
  });
  return new DeliveryReceiver({
    ...shared,
    registry: runtime.registry,
    executor,
    results,
    acksWithOutcome,
    unknownTaskGrace: parts.settings.unknownTaskGrace,
    giveUp: parts.giveUp,
  });
}

function nameOf(pattern: string): string {
  return pattern.replaceAll('%h', hostname()).replaceAll('%p', String(process.pid));
}

interface ReachOptions {
  readonly exitOnBrokerLoss: boolean | undefined;
  readonly signal: AbortSignal | undefined;
}

async function reachBroker(runtime: AppRuntime, stores: OpenStores, options: ReachOptions): Promise<StoreReport> {
  const { clock, logger } = runtime;
  for (let delay = 250; ; delay = Math.min(delay * 2, longestStartRetry)) {
    options.signal?.throwIfAborted();
    try {
      return await stores.brokerConnection.check(checkTimeout);
    } catch (error) {
      const unreachable = error instanceof BrokerUnavailableError || !(error instanceof LovageError);
      if (!unreachable || options.exitOnBrokerLoss) throw error;
      logger.warn(`broker ${runtime.stores.display} cannot be reached, trying again`, { error, inMs: delay });
      await sleep(clock, delay, options.signal);
    }
  }
}
