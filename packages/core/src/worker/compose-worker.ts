import type { AppRuntime } from '../app/app-runtime.ts';
import { EventSender } from '../events/event-sender.ts';
import { HistoryWriter } from '../history/history-writer.ts';
import type { SizeLimit } from '../message/payload-codec.ts';
import type { MaybePromise } from '../options/schema.ts';
import type { ResolvedWorkerSettings, Settings } from '../settings/app-options.ts';
import type { OpenStores } from '../stores/stores.ts';
import { FetchYield } from './background/fetch-yield.ts';
import { RateWaker } from './background/rate-waker.ts';
import { StampedRevocations } from './control/stamped-revocations.ts';
import { TaskDiscovery } from './control/task-discovery.ts';
import type { Attempt } from './execution/attempt.ts';
import type { AttemptResult } from './execution/attempt-result.ts';
import { Batching } from './execution/batching.ts';
import { CanvasStep } from './execution/canvas-step.ts';
import { type ClassifyTools, classifyError } from './execution/classify-error.ts';
import { DeliveryReceiver } from './execution/delivery-receiver.ts';
import { type AttemptObserver, Executor } from './execution/executor.ts';
import { AsyncPool, type HandlerTools, runHandler } from './execution/run-handler.ts';
import { StateWriter } from './execution/state-writer.ts';
import { HistoryRecorder } from './history-recorder.ts';
import { HookObserver } from './hook-observer.ts';
import type { BlockedLimitAction } from './loop/blocked-loop.ts';
import { LoopWatch } from './loop/loop-watch.ts';
import { createDefaultMiddleware } from './middleware/default-middleware.ts';
import type { Middleware } from './middleware/middleware.ts';
import { TaskRates } from './middleware/rate-limit.ts';
import { TaskLimits } from './middleware/task-limits.ts';
import { createNativeCanvasStep } from './native-canvas-step.ts';
import type { AppModule } from './pool/child-message.ts';
import { Pools } from './pool/pools.ts';
import { EventObserver } from './reporting/event-observer.ts';
import { WorkerStats } from './reporting/worker-stats.ts';

/** What the parts of one worker share. */
export interface WorkerTools {
  readonly name: string;
  readonly stats: WorkerStats;
  readonly limits: TaskLimits;
  readonly rates: TaskRates;
  readonly sender: EventSender;
  readonly observer: EventObserver;
  readonly giveUp: AbortController;
  readonly states: StateWriter;
  readonly pools: Pools;
  /** undefined: the app has no batch tasks, and slots are the broker's. */
  readonly batching: Batching | undefined;
  readonly loop: LoopWatch;
  readonly revocations: StampedRevocations;
  readonly discovery: TaskDiscovery;
  readonly fetchYield: FetchYield;
  /** undefined: `history: 'off'`, or a store that keeps none. */
  readonly history: HistoryRecorder | undefined;
  /** undefined: the broker limits no rates. */
  readonly rateWaker: RateWaker | undefined;
}

/** What {@link composeWorker} needs. */
export interface ToolOptions {
  readonly name: string;
  readonly events: boolean;
  readonly settings: ResolvedWorkerSettings;
  readonly appModule: AppModule | undefined;
  readonly onBlockedLimit: BlockedLimitAction;
  readonly leaseRenewalThread: string | URL | undefined;
  readonly poolChild: string | URL | undefined;
}

/** Makes what the parts share. */
export function composeWorker(runtime: AppRuntime, stores: OpenStores, options: ToolOptions): WorkerTools {
  const { bus, results, brokerConnection } = stores;
  const { clock, logger, settings } = runtime;
  const { name, events } = options;
  const sender = new EventSender(async (topic, message) => bus?.publish(topic, message), clock);
  const observer = new EventObserver({ sender, clock, worker: name, enabled: events });
  const states = new StateWriter(results, logger, (message) => message.resultExpires ?? settings.resultExpires);
  const stats = new WorkerStats(runtime.brokerClock);
  const loop = new LoopWatch({
    logger,
    leaseDuration: options.settings.lockDuration,
    maxEventLoopBlock: options.settings.maxEventLoopBlock,
    timeLimitGrace: options.settings.timeLimitGrace,
    onBlockedLimit: options.onBlockedLimit,
    threadFile: options.leaseRenewalThread,
    running: () => stats.running.map(({ task }) => task),
  });
  const { resultExpires } = settings;
  const store = brokerConnection.revocations;
  const rates = new TaskRates();
  const pools = createPools(runtime, { states, loop }, options);
  return {
    name,
    stats,
    revocations: new StampedRevocations({ store, results, stats, clock: runtime.brokerClock, resultExpires }),
    loop,
    discovery: new TaskDiscovery({ bus, registry: runtime.registry, clock, logger, random: Math.random }),
    fetchYield: new FetchYield(clock),
    limits: new TaskLimits(),
    rates,
    rateWaker: createRateWaker(runtime, stores, { rates, worker: name }),
    sender,
    observer,
    giveUp: new AbortController(),
    states,
    pools,
    batching: createBatching(runtime, { pools, loop }, options),
    history: createHistory(runtime, stores, name),
  };
}

function createHistory(
  { brokerClock, clock, logger, settings }: AppRuntime,
  { history: store }: OpenStores,
  worker: string,
): HistoryRecorder | undefined {
  const mode = settings.historyMode;
  if (mode === 'off' || store === undefined) return undefined;
  const writer = new HistoryWriter({ store, clock, logger });
  return new HistoryRecorder({ writer, mode, clock: brokerClock, worker });
}

function createRateWaker(
  { registry, clock, logger }: AppRuntime,
  { broker, brokerConnection, monitor }: OpenStores,
  own: { readonly rates: TaskRates; readonly worker: string },
): RateWaker | undefined {
  const limiter = brokerConnection.limits;
  return limiter && new RateWaker({ limiter, broker, monitor, registry, clock, logger, ...own });
}

function createBatching(
  { brokerClock, registry, settings, plugins }: AppRuntime,
  { pools, loop }: Pick<WorkerTools, 'pools' | 'loop'>,
  options: ToolOptions,
): Batching | undefined {
  if (!registry.names().some((name) => registry.get(name)?.batch)) return undefined;
  const { concurrency } = options.settings;
  const tools = { clock: brokerClock, random: Math.random, plugins, pools, loop };
  return new Batching(concurrency, { ...tools, ...sizeLimits(settings) });
}

type PoolTools = Pick<WorkerTools, 'states' | 'loop'>;

function createPools(
  { clock, brokerClock, logger, settings, plugins }: AppRuntime,
  { states, loop }: PoolTools,
  options: ToolOptions,
): Pools {
  const { pool, concurrency, maxTasksPerChild, maxMemoryPerChild } = options.settings;
  const limits = sizeLimits(settings);
  return new Pools({
    kind: pool,
    clock,
    size: concurrency,
    async: new AsyncPool(
      (attempt) => handle(attempt, { clock: brokerClock, random: Math.random, plugins, ...limits }),
      loop,
    ),
    ahead: () => brokerClock.ahead,
    app: options.appModule,
    program: options.poolChild,
    setup: { worker: options.name, maxPayload: settings.maxPayload, maxResult: settings.maxResult },
    startTimeout: options.settings.childStartTimeout,
    heapLimit: maxMemoryPerChild === undefined ? undefined : Math.max(16, Math.round(maxMemoryPerChild / 2 ** 20)),
    maxTasksPerChild,
    maxMemoryPerChild,
    states,
    logger,
  });
}

function sizeLimits({ maxPayload, maxResult }: Settings): {
  readonly maxPayload: SizeLimit;
  readonly maxResult: SizeLimit;
} {
  return {
    maxPayload: { bytes: maxPayload, option: 'maxPayload' },
    maxResult: { bytes: maxResult, option: 'maxResult' },
  };
}

/** Runs a handler here; never throws or rejects. */
function handle(attempt: Attempt, tools: ClassifyTools & HandlerTools): MaybePromise<AttemptResult> {
  try {
    const result = runHandler(attempt, tools);
    return result instanceof Promise ? result.catch((error) => classifyError(attempt, error, tools)) : result;
  } catch (error) {
    return classifyError(attempt, error, tools);
  }
}

/** What {@link createReceiver} needs. */
export interface ReceiverParts extends WorkerTools {
  readonly settings: ResolvedWorkerSettings;
  readonly middleware: readonly Middleware[];
}

/** Makes the receiver of deliveries with its executor. */
export function createReceiver(runtime: AppRuntime, stores: OpenStores, parts: ReceiverParts): DeliveryReceiver {
  const { clock, brokerClock, logger, settings } = runtime;
  const { results, acksWithOutcome, acksWithJoin } = stores;
  const shared = { clock: brokerClock, logger, worker: parts.name, resultExpires: settings.resultExpires };
  const canvasStep =
    results &&
    (stores.brokerConnection.canvas
      ? createNativeCanvasStep({ ...shared, canvas: runtime.canvas })
      : new CanvasStep({ ...shared, canvas: runtime.canvas, results, acksWithJoin, giveUp: parts.giveUp.signal }));
  const executor = new Executor({
    ...shared,
    clock,
    brokerClock,
    canvas: runtime.canvas,
    canvasStep,
    middleware: createMiddleware(runtime, stores, parts),
    states: parts.states,
    pools: parts.batching ?? parts.pools,
    random: Math.random,
    ...sizeLimits(settings),
    storesResults: results !== undefined,
    limits: parts.limits,
    prefix: settings.prefix,
    onProgress: (message, progress) => parts.observer.onProgress(message, progress),
    observer: observeAll(parts, new HookObserver(runtime)),
  });
  return new DeliveryReceiver({
    ...shared,
    registry: runtime.registry,
    executor,
    results,
    canvas: canvasStep,
    acksWithOutcome,
    unknownTaskGrace: parts.settings.unknownTaskGrace,
    isKnownElsewhere: (message) => parts.discovery.isKnown(message),
    isRevoked: (message) => parts.revocations.covers(message),
    onReturned: () => parts.fetchYield.yield(),
    onUnknown: ({ id, task, queue, headers = {} }) => runtime.plugins.emit('taskUnknown', { id, task, queue, headers }),
    giveUp: parts.giveUp.signal,
  });
}

function createMiddleware(runtime: AppRuntime, stores: OpenStores, parts: ReceiverParts): readonly Middleware[] {
  const { clock, brokerClock, logger, concurrencyLimiter } = runtime;
  const { results, uniqueKeys, monitor, history } = stores;
  const own = createDefaultMiddleware({
    clock,
    brokerClock,
    logger,
    results,
    history,
    crashBudget: parts.settings.crashBudget,
    uniqueKeys: uniqueKeys && monitor && { clock: brokerClock, logger, uniqueKeys, monitor },
    limiter: stores.brokerConnection.limits,
    rates: parts.rates,
    onLine: (task) => parts.rateWaker?.serve(task),
    revocations: parts.revocations,
    clockOffset: () => runtime.stores.clockOffset(),
    concurrencyLimiter,
    loop: parts.loop,
    inChild: (definition) => parts.pools.inChild(definition),
  });
  return [...own, ...parts.middleware];
}

function observeAll({ stats, history, observer }: WorkerTools, hooks: HookObserver): AttemptObserver {
  return {
    onStart(attempt) {
      stats.onStart(attempt);
      if (observer.enabled) observer.onStart(attempt);
    },
    onEnd(attempt, result) {
      stats.onEnd(attempt, result);
      history?.onEnd(attempt, result);
      if (observer.enabled) observer.onEnd(attempt, result);
      if (hooks.hooked || attempt.definition.options.callbacks) hooks.onEnd(attempt, result);
    },
  };
}
