import { hostname } from 'node:os';
import type { Lovage } from '../app/app.ts';
import { type ResolvedWorkerSettings, resolveWorkerSettings, type WorkerSettings } from '../app/app-options.ts';
import { type AppRuntime, runtimeOf } from '../app/app-runtime.ts';
import type { OpenStores } from '../app/stores.ts';
import { sleep, withDeadline } from '../clock.ts';
import type { StoreReport } from '../driver/driver.ts';
import { BrokerUnavailableError, LovageError, UnsafeBrokerError } from '../errors.ts';
import { EventSender } from '../events/event-sender.ts';
import type { WorkerReport } from '../events/worker-report.ts';
import { DeliveryReceiver } from './consumer.ts';
import { startControl } from './control.ts';
import { createControlCommands } from './control-commands.ts';
import { createDefaultMiddleware } from './default-middleware.ts';
import { EventObserver } from './event-observer.ts';
import { type AttemptObserver, Executor } from './executor.ts';
import type { Middleware } from './middleware.ts';
import { StateWriter } from './state-writer.ts';
import { TaskLimits } from './task-limits.ts';
import { Worker, type WorkerParts } from './worker.ts';
import { WorkerEvents } from './worker-events.ts';
import { WorkerStats } from './worker-stats.ts';

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
  /** Send events from the start; can be switched live. @default false */
  readonly events?: boolean;
  /** Remote commands it obeys: all, none, or a list of names. @default true */
  readonly remoteControl?: boolean | readonly string[];
  /** Ends the start (not the running worker) when it aborts. */
  readonly signal?: AbortSignal;
}

const checkTimeout = 5_000;
const longestStartRetry = 5_000;

/**
 * Starts a worker in this process: resolves when it consumes. Without `exitOnBrokerLoss` it tries until the broker can be
 * reached. Throws {@link ConfigurationError}, {@link BrokerAuthenticationError}, {@link UnsafeBrokerError} (with
 * `strictBroker`), {@link BrokerUnavailableError} (with `exitOnBrokerLoss`). Signals are the caller's: the CLI sets them.
 */
export async function startWorker(app: Lovage, options: WorkerOptions = {}): Promise<Worker> {
  const { name, strictBroker, exitOnBrokerLoss, middleware, events, remoteControl = true, signal, ...rest } = options;
  const runtime = runtimeOf(app);
  const settings = resolveWorkerSettings(rest, runtime.settings.worker, 'startWorker');
  const stores = await runtime.stores.open();
  const report = await reachBroker(runtime, stores, { exitOnBrokerLoss, signal });
  if (strictBroker && report.warnings.length > 0) {
    throw new UnsafeBrokerError(`${runtime.stores.display}: ${report.warnings.join('; ')}`);
  }
  for (const warning of report.warnings) runtime.logger.warn(warning);
  const tools = createTools(runtime, stores, {
    name: nameOf(name ?? `${runtime.name}-%p@%h`),
    events: events ?? false,
  });
  const receiver = createReceiver(runtime, stores, { ...tools, settings, middleware: middleware ?? [] });
  const worker = await consume(runtime, stores, { ...tools, settings, report, receiver });
  if (remoteControl !== false) await listen(worker, { runtime, stores, ...tools, allowed: remoteControl });
  return worker;
}

/** What the parts of one worker share. */
interface WorkerTools {
  readonly name: string;
  readonly stats: WorkerStats;
  readonly limits: TaskLimits;
  readonly sender: EventSender;
  readonly observer: EventObserver;
  readonly giveUp: AbortController;
}

function createTools(
  { clock }: AppRuntime,
  { bus }: OpenStores,
  { name, events }: { readonly name: string; readonly events: boolean },
): WorkerTools {
  const sender = new EventSender(async (topic, message) => bus?.publish(topic, message), clock);
  const observer = new EventObserver({ sender, clock, worker: name, enabled: events });
  return {
    name,
    stats: new WorkerStats(clock),
    limits: new TaskLimits(),
    sender,
    observer,
    giveUp: new AbortController(),
  };
}

type ConsumeParts = WorkerTools & Pick<WorkerParts, 'settings' | 'report' | 'receiver'>;

async function consume(runtime: AppRuntime, { broker, bus }: OpenStores, parts: ConsumeParts): Promise<Worker> {
  const { settings, receiver, sender, name } = parts;
  const consumer = await broker.consume(
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
  const events = bus && ((describe: () => WorkerReport) => new WorkerEvents(sender, runtime.clock, describe));
  return new Worker({ ...parts, runtime, consumer, events });
}

interface ReceiverParts extends WorkerTools {
  readonly settings: ResolvedWorkerSettings;
  readonly middleware: readonly Middleware[];
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
    limits: parts.limits,
    onProgress: (message, progress) => parts.observer.onProgress(message, progress),
    observer: observeBoth(parts.stats, parts.observer),
  });
  return new DeliveryReceiver({
    ...shared,
    registry: runtime.registry,
    executor,
    results,
    acksWithOutcome,
    unknownTaskGrace: parts.settings.unknownTaskGrace,
    giveUp: parts.giveUp.signal,
  });
}

interface ListenParts {
  readonly runtime: AppRuntime;
  readonly stores: OpenStores;
  readonly stats: WorkerStats;
  readonly limits: TaskLimits;
  readonly allowed: boolean | readonly string[];
}

/** A worker that cannot listen works all the same. */
async function listen(worker: Worker, { runtime, stores, stats, limits, allowed }: ListenParts): Promise<void> {
  const { bus } = stores;
  if (bus === undefined) return;
  const { clock, logger } = runtime;
  const commands = createControlCommands({ worker, runtime, stats, limits });
  const starting = startControl({ bus, worker: worker.name, commands, allowed, logger });
  const late = () => new Error('the bus did not confirm the subscription');
  try {
    worker.holdControl(await withDeadline(clock, checkTimeout, starting, late));
  } catch (error) {
    logger.warn('remote control is off: cannot listen on the bus', { error });
  }
}

function observeBoth(first: AttemptObserver, second: EventObserver): AttemptObserver {
  return {
    onStart(attempt) {
      first.onStart(attempt);
      if (second.enabled) second.onStart(attempt);
    },
    onEnd(attempt, result) {
      first.onEnd(attempt, result);
      if (second.enabled) second.onEnd(attempt, result);
    },
  };
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
