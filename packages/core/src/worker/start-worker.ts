import { hostname } from 'node:os';
import type { Lovage } from '../app/app.ts';
import { type AppRuntime, runtimeOf } from '../app/app-runtime.ts';
import { type BrokerClock, withDeadline } from '../clock.ts';
import type { Consumer } from '../driver/broker.ts';
import type { StoreReport } from '../driver/driver.ts';
import { BrokerUnavailableError, LovageError, ResultBackendUnavailableError, UnsafeBrokerError } from '../errors.ts';
import type { WorkerReport } from '../events/worker-report.ts';
import type { Logger } from '../logger.ts';
import { formatDuration } from '../options/duration.ts';
import { oneOf, text } from '../options/option-reader.ts';
import { retry } from '../retry.ts';
import { type ResolvedWorkerSettings, resolveWorkerSettings, type WorkerSettings } from '../settings/app-options.ts';
import type { OpenStores } from '../stores/stores.ts';
import { type AutoscaleLimits, readLimits } from './background/autoscale.ts';
import { BroadcastMembership } from './background/broadcast-membership.ts';
import { Periodic } from './background/periodic.ts';
import { PollWatch } from './background/poll-watch.ts';
import { registerGroups } from './background/register-groups.ts';
import { SemaphoreReconciler } from './background/semaphore-reconciler.ts';
import { composeWorker, createReceiver, type WorkerTools } from './compose-worker.ts';
import { consumedQueues, unconsumedTasks } from './consumed-queues.ts';
import { controlTopics, startControl } from './control/control.ts';
import { checkAllowed, createControlCommands } from './control/control-commands.ts';
import type { StampedRevocations } from './control/stamped-revocations.ts';
import { type BlockedLimitAction, blockedLimitActions } from './loop/blocked-loop.ts';
import type { Middleware } from './middleware/middleware.ts';
import type { TaskRates } from './middleware/rate-limit.ts';
import type { TaskLimits } from './middleware/task-limits.ts';
import type { AppModule } from './pool/child-message.ts';
import { WorkerEvents } from './reporting/worker-events.ts';
import type { WorkerStats } from './reporting/worker-stats.ts';
import { Worker, type WorkerParts } from './worker.ts';

/** Options of a worker, over the app's `worker` settings. */
export interface WorkerOptions extends WorkerSettings {
  /** Its name; `%h` stands for the host's name, `%p` for the process id. @default '<app>-%p@%h' */
  readonly name?: string;
  /** Refuse a broker under whose settings acknowledged tasks can be lost ({@link UnsafeBrokerError}). @default false */
  readonly strictBroker?: boolean;
  /** Throw when the broker cannot be reached at the start, instead of trying until it can. @default false */
  readonly exitOnBrokerLoss?: boolean;
  /** @deprecated Give the app `plugins`: they are documented, and every process has them. */
  readonly middleware?: readonly Middleware[];
  /** Let the slots follow the load between these bounds; they then begin at `min`. @default `concurrency` slots, fixed */
  readonly autoscale?: AutoscaleLimits;
  /** Send events from the start; can be switched live. @default false */
  readonly events?: boolean;
  /** Remote commands it obeys: all, none, or a list of names. @default true */
  readonly remoteControl?: boolean | readonly string[];
  /** Where threads and processes find the app (`-A` of the CLI): they load it themselves. @default none: async only */
  readonly appModule?: AppModule;
  /**
   * What is done when a task blocks the event loop beyond its hard time limit plus `timeLimitGrace`, where nothing can end the
   * task alone. `'exit'`: the process ends with code 75, to be started again, and the task runs again within its crash budget.
   * `'release'`: the leases of the worker are not renewed any more, so that its tasks run elsewhere. Both name the task in the log.
   * @default 'release' (`lovage worker`: 'exit')
   */
  readonly onBlockedLimit?: BlockedLimitAction;
  /** URL of the lease-renewal thread's program, for bundled workers: a bundle of `lovage/lease-renewal-thread`. @default the package's own file */
  readonly leaseRenewalThread?: string | URL;
  /** URL of the program of threads and processes, for bundled workers: a bundle of a module that calls `runPoolChild(app)`. @default the package's own file, with `appModule` */
  readonly poolChild?: string | URL;
  /** Ends the start (not the running worker) when it aborts. */
  readonly signal?: AbortSignal;
}

/** How many tasks a log line names. */
const shownTasks = 20;
const checkTimeout = 5_000;
const pollCheckTimeout = 2_000;
/** The broker is asked once a minute, and when this machine's clock was set: that it was is seen within this time. */
const clockInterval = 1_000;
/** Clocks that differ by more are worth a line in the log, in milliseconds. */
const noteworthySkew = 1_000;
const startRetry = { first: 250, longest: 5_000 };
/** How often rules of revocation are read, whether or not somebody said that they changed. */
const revocationsInterval = 10_000;
/** How often this worker offers to sweep. */
const sweepInterval = 15_000;

/**
 * Starts a worker in this process: resolves when it consumes. Without `exitOnBrokerLoss` it tries until the broker can be
 * reached. Throws {@link ConfigurationError}, {@link BrokerAuthenticationError}, {@link UnsafeBrokerError} (with
 * `strictBroker`), {@link BrokerUnavailableError} (with `exitOnBrokerLoss`). Signals are the caller's: the CLI sets them.
 */
export async function startWorker(app: Lovage, options: WorkerOptions = {}): Promise<Worker> {
  const { middleware, remoteControl = true } = options;
  const runtime = runtimeOf(app);
  const limits = options.autoscale && readLimits(options.autoscale, 'startWorker: autoscale');
  const base = { ...runtime.settings.worker, queues: consumedQueues(app) };
  const given = resolveWorkerSettings(settingsIn(options), base, 'startWorker');
  const settings = limits ? { ...given, concurrency: limits.min } : given;
  checkAllowed(remoteControl, 'startWorker: remoteControl');
  const toolOptions = toToolOptions(runtime, settings, options);
  const stores = await runtime.stores.open();
  const report = await checkBroker(runtime, stores, options);
  const tools = composeWorker(runtime, stores, toolOptions);
  const background = createBackground(runtime, tools);
  const begin = async (): Promise<Worker> => {
    await Promise.all([
      tools.pools.start(),
      runtime.workflows.prepare(),
      tools.loop.prepare(stores.broker.leaseGuard),
      startBackground(background),
      registerGroups(runtime),
    ]);
    const receiver = createReceiver(runtime, stores, { ...tools, settings, middleware: middleware ?? [] });
    resumeDiverged(runtime);
    const parts = { ...tools, settings, report, receiver, background: Object.values(background) };
    return consume(runtime, stores, parts);
  };
  logUnconsumed(app, settings.queues, runtime.logger);
  const info = { app: runtime.name, worker: tools.name, queues: settings.queues };
  await runtime.plugins.emitAndWait('workerInit', info);
  const worker = await begin().catch((error: unknown) => giveUp(error, tools, Object.values(background)));
  if (limits) worker.autoscale(limits);
  await discover(worker, runtime, tools);
  if (remoteControl !== false) await listen(worker, { runtime, stores, ...tools, allowed: remoteControl });
  runtime.plugins.emit('workerReady', info);
  return worker;
}

/** Calls of these wait for another worker: not a fault, and the first thing to look at when they wait for ever. */
function logUnconsumed(app: Lovage, queues: readonly string[], logger: Logger): void {
  const tasks = unconsumedTasks(app, queues);
  if (tasks.length === 0) return;
  const shown = tasks.slice(0, shownTasks).map(({ task, queue }) => `${task} (${queue})`);
  logger.info(`this worker does not consume the queues of ${tasks.length} of the app's tasks`, { tasks: shown });
}

/** Options that are no settings of the app. */
const ownOptions: ReadonlySet<string> = new Set<Exclude<keyof WorkerOptions, keyof WorkerSettings>>([
  'name',
  'strictBroker',
  'exitOnBrokerLoss',
  'middleware',
  'autoscale',
  'events',
  'remoteControl',
  'appModule',
  'onBlockedLimit',
  'leaseRenewalThread',
  'poolChild',
  'signal',
]);

function settingsIn(options: WorkerOptions): object {
  return Object.fromEntries(Object.entries(options).filter(([option]) => !ownOptions.has(option)));
}

function toToolOptions(
  { name }: AppRuntime,
  settings: ResolvedWorkerSettings,
  options: WorkerOptions,
): Parameters<typeof composeWorker>[2] {
  const { onBlockedLimit = 'release', appModule, leaseRenewalThread, poolChild, events = false } = options;
  return {
    name: nameOf(text(options.name ?? `${name}-%p@%h`, 'startWorker: option name')),
    events,
    settings,
    appModule,
    onBlockedLimit: oneOf(...blockedLimitActions)(onBlockedLimit, 'startWorker: onBlockedLimit'),
    leaseRenewalThread,
    poolChild,
  };
}

const awayErrors = [BrokerUnavailableError, ResultBackendUnavailableError];

async function checkBroker(runtime: AppRuntime, stores: OpenStores, options: WorkerOptions): Promise<StoreReport> {
  const { strictBroker, exitOnBrokerLoss, signal } = options;
  const report = await reachBroker(runtime, stores, { exitOnBrokerLoss, signal });
  if (strictBroker && report.warnings.length > 0) {
    throw new UnsafeBrokerError(`${runtime.stores.display}: ${report.warnings.join('; ')}`);
  }
  const results = await checkResults(runtime, stores);
  for (const warning of [...report.warnings, ...(results?.warnings ?? [])]) runtime.logger.warn(warning);
  return report;
}

/**
 * A result store of its own that is away is waited for when tasks end. One that refuses the credentials, or whose tables are missing or of
 * another version, will go on doing so: the start throws.
 */
async function checkResults(
  { logger }: AppRuntime,
  { brokerConnection, resultConnection }: OpenStores,
): Promise<StoreReport | undefined> {
  if (resultConnection === undefined || resultConnection === brokerConnection) return undefined;
  try {
    return await resultConnection.check(checkTimeout);
  } catch (error) {
    if (error instanceof LovageError && !awayErrors.some((kind) => error instanceof kind)) throw error;
    logger.warn(`the result store ${resultConnection.display} cannot be reached: tasks end when it can`, { error });
    return undefined;
  }
}

/** Runs that were set aside try the code of this process, beside everything else. */
function resumeDiverged({ workflows, logger }: AppRuntime): void {
  workflows.resumeDiverged().catch((error: unknown) => {
    logger.warn('could not resume the workflow runs that were set aside', { error });
  });
}

/** What has begun for a worker that cannot start ends with the start. */
async function giveUp(error: unknown, { pools, loop }: WorkerTools, background: readonly Periodic[]): Promise<never> {
  for (const periodic of background) periodic.stop();
  await Promise.all([pools.close(), loop.close()]);
  throw error;
}

type ConsumeParts = WorkerTools & Pick<WorkerParts, 'settings' | 'report' | 'receiver' | 'background'>;

/** What every worker does beside its tasks. */
function createBackground(
  { clock, brokerClock, logger, stores }: AppRuntime,
  { revocations }: WorkerTools,
): { readonly revocations: Periodic; readonly sweeping: Periodic; readonly clocks: Periodic } {
  const every = (interval: number, what: string, work: () => Promise<unknown>): Periodic =>
    new Periodic({ clock, logger, interval, what, work });
  return {
    revocations: every(revocationsInterval, 'read the revoked stamps', () => revocations.refresh()),
    clocks: every(clockInterval, "measure the broker's clock", () => compareClocks(brokerClock, logger)),
    sweeping: every(sweepInterval, 'sweep what is over', () => stores.sweep()),
  };
}

/** Resolves when what the first task needs is there. */
async function startBackground({ revocations, clocks, sweeping }: ReturnType<typeof createBackground>): Promise<void> {
  await Promise.all([revocations.start(), clocks.start()]);
  void sweeping.start(); // never rejects
}

/** A machine whose clock is off makes no task early or late, but its logs and its own reckoning. */
async function compareClocks(brokerClock: BrokerClock, logger: Logger): Promise<void> {
  const before = brokerClock.ahead;
  const ahead = await brokerClock.measure();
  if (Math.abs(ahead) <= noteworthySkew || Math.abs(before) > noteworthySkew) return; // or said already
  logger.warn(
    `this machine's clock and the broker's differ by ${formatDuration(Math.abs(ahead))}: set one of them right`,
    {
      brokerAheadMs: ahead,
    },
  );
}

async function consume(runtime: AppRuntime, stores: OpenStores, parts: ConsumeParts): Promise<Worker> {
  const { broker, brokerConnection, bus } = stores;
  const { settings, receiver, sender, name } = parts;
  const broadcastMembership =
    runtime.settings.broadcastQueues.size > 0 ? new BroadcastMembership(runtime, stores, name) : undefined;
  const own =
    broadcastMembership && (await Promise.all(settings.queues.map((queue) => broadcastMembership.join(queue))));
  const consumer = await broker.consume(
    {
      queues: own ?? settings.queues,
      slots: settings.concurrency,
      worker: name,
      leaseDuration: settings.lockDuration,
      orphanInterval: settings.stalledInterval,
      malformed: receiver.malformed,
      onError: (error) => runtime.logger.warn('broker error', { error }),
    },
    receiver.deliver,
  );
  await guardLeases(parts, consumer);
  const watch = new PollWatch({
    clock: runtime.clock,
    logger: runtime.logger,
    consumer,
    check: () => brokerConnection.check(pollCheckTimeout),
    timeout: settings.pollTimeout,
  });
  const events = bus && ((describe: () => WorkerReport) => new WorkerEvents(sender, runtime.clock, describe));
  const reconciler = new SemaphoreReconciler(runtime);
  return new Worker({ ...parts, runtime, consumer, broadcastMembership, watch, events, reconciler });
}

/** A worker whose leases could not be renewed gives back what it was handed meanwhile. Throws {@link ConfigurationError}. */
async function guardLeases({ loop }: Pick<WorkerTools, 'loop'>, consumer: Consumer): Promise<void> {
  try {
    loop.guard(consumer.leaseGuard?.());
  } catch (error) {
    await consumer.close(0);
    throw error;
  }
}

/** A worker that nobody can ask works all the same: messages of its tasks that others meet take longer to come back. */
async function discover(worker: Worker, { clock, logger }: AppRuntime, { discovery }: WorkerTools): Promise<void> {
  const late = () => new Error('the bus did not confirm the subscription');
  try {
    await withDeadline(
      clock,
      checkTimeout,
      discovery.start(() => worker.report().queues),
      late,
    );
  } catch (error) {
    logger.debug('this worker does not say which tasks it can run', { error });
  }
}

interface ListenParts {
  readonly runtime: AppRuntime;
  readonly stores: OpenStores;
  readonly stats: WorkerStats;
  readonly limits: TaskLimits;
  readonly rates: TaskRates;
  readonly revocations: StampedRevocations;
  readonly allowed: boolean | readonly string[];
}

/** A worker that cannot listen works all the same. */
async function listen(worker: Worker, { runtime, stores, allowed, ...targets }: ListenParts): Promise<void> {
  const { bus } = stores;
  if (bus === undefined) return;
  const { clock, logger, settings } = runtime;
  const commands = createControlCommands({ worker, runtime, ...targets });
  const options = { bus, worker: worker.name, commands, allowed, mode: settings.control, logger };
  const starting = Promise.all(
    controlTopics.map((topic) => startControl(options, topic).then((control) => worker.holdControl(control))),
  );
  const late = () => new Error('the bus did not confirm the subscription');
  try {
    await withDeadline(clock, checkTimeout, starting, late);
  } catch (error) {
    logger.warn('remote control is off until the bus answers', { error });
  }
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
  const { signal, exitOnBrokerLoss } = options;
  const onError = (error: unknown, inMs: number): void => {
    const unreachable = error instanceof BrokerUnavailableError || !(error instanceof LovageError);
    if (!unreachable || exitOnBrokerLoss) throw error;
    logger.warn(`broker ${runtime.stores.display} cannot be reached, trying again`, { error, inMs });
  };
  signal?.throwIfAborted();
  const report = await retry(clock, { ...startRetry, onError }, signal, () =>
    stores.brokerConnection.check(checkTimeout),
  );
  signal?.throwIfAborted();
  return report as StoreReport; // undefined only where the signal aborted
}
