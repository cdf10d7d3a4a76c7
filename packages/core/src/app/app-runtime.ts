import type { RunnerTools } from '../canvas/canvas-runner.ts';
import { type CanvasContext, CanvasSender } from '../canvas/canvas-sender.ts';
import { BrokerClock, type Clock, ReplaceableClock, systemClock } from '../clock.ts';
import { ConfigurationError } from '../errors.ts';
import { EventSender } from '../events/event-sender.ts';
import { ConcurrencyLimiter, type SemaphoreStores } from '../flow/concurrency-limiter.ts';
import { LeaseQueue } from '../locks/lock-queue.ts';
import { createConsoleLogger, type Logger } from '../logger.ts';
import { ErrorRegistry } from '../message/failure.ts';
import type { Message } from '../message/message.ts';
import { isName } from '../options/well-formed.ts';
import { PluginList } from '../plugins/plugin-list.ts';
import { Producer } from '../producer/publish.ts';
import { RateLines, type RateLinesOptions } from '../producer/rate-lines.ts';
import type { ResultContext } from '../results/async-result.ts';
import { ResultInbox, type ResultStores } from '../results/result-inbox.ts';
import { ScheduleDeclarations } from '../schedules/schedule.ts';
import { Sealer } from '../security/sealer.ts';
import { type AppOptions, resolveSettings, type Setting, type Settings, toSettings } from '../settings/app-options.ts';
import { readOverrides } from '../settings/overrides.ts';
import { checkScheme } from '../stores/driver-url.ts';
import { Stores } from '../stores/stores.ts';
import { compileRoutes } from '../task/route.ts';
import { TaskRegistry } from '../task/task.ts';
import type { AppWorkflows } from '../workflow/app-workflows.ts';
import { AppControl } from './app-control.ts';
import { createMessaging, type Messaging } from './messaging.ts';
import { createWorkflows } from './workflows.ts';

/** The inside of an app, for the worker and other parts of core that stand to its right; not a door. */
export interface AppRuntime extends Messaging {
  readonly name: string;
  readonly clock: ReplaceableClock;
  /** Tells the moments that cross machines. */
  readonly brokerClock: BrokerClock;
  readonly logger: Logger;
  readonly settings: Settings;
  /** Where each setting came from. */
  readonly provenance: ReadonlyMap<string, Setting>;
  readonly registry: TaskRegistry;
  readonly plugins: PluginList;
  readonly errors: ErrorRegistry;
  readonly stores: Stores;
  readonly concurrencyLimiter: ConcurrencyLimiter;
  readonly producer: Producer;
  readonly results: ResultContext;
  readonly control: AppControl;
  readonly canvas: CanvasSender;
  /** Its workflows, and their runs. */
  readonly workflows: AppWorkflows;
  /** Where locks and elections wait for their leases. */
  readonly leases: LeaseQueue;
  /** The periodic entries that the code declares. */
  readonly schedules: ScheduleDeclarations;
  /** Tasks of other services that the code has stubs of (`app.remote`). */
  readonly remotes: Set<string>;
  /** Run by `app.close()` before the connections go. */
  readonly closers: Set<() => Promise<unknown>>;
}

/** Builds the inside of an app; opens no connection. Throws for options that cannot be. */
export function createRuntime(name: string, options: AppOptions): AppRuntime {
  checkName(name);
  const where = `app "${name}"`;
  const provenance = resolveSettings(options, process.env, where);
  const settings = toSettings(provenance);
  checkUrls(settings, options);
  const clock = new ReplaceableClock(options.clock ?? systemClock);
  const given = options.logger ?? readOverrides().logger ?? createConsoleLogger(settings.logLevel);
  const plugins = new PluginList(options.plugins ?? [], given, where);
  const logger = plugins.addLogFields(given);
  const stores = openLater(options, provenance, { clock, logger, settings, where });
  const brokerClock = new BrokerClock(clock, () => stores.clockOffset());
  const tasks = { registry: new TaskRegistry(), errors: new ErrorRegistry() };
  const { resultExpires, publishTimeout } = settings;
  const concurrencyLimiter = createConcurrencyLimiter(stores, logger, publishTimeout);
  const control = new AppControl({ clock, stores, concurrencyLimiter, canvas: () => canvas });
  const results = createResults(name, stores, { ...tasks, clock, logger, control });
  const shared = { clock, brokerClock, logger, settings, stores, results };
  const producer = createProducer(options, where, { ...tasks, ...shared, concurrencyLimiter, plugins });
  const sending = { clock, logger, producer, results, ...tasks };
  const wake: RunnerTools['wake'] = (effect) => workflows.childEnded(effect);
  const times = { clock: brokerClock, resultExpires, publishTimeout };
  const canvas: CanvasSender = new CanvasSender({ ...sending, ...times, wake, ...storesOfCanvas(stores) });
  const workflows = createWorkflows({ ...sending, brokerClock, settings, stores, plugins, canvas: () => canvas });
  return {
    name,
    plugins,
    ...sending,
    brokerClock,
    settings,
    provenance,
    stores,
    concurrencyLimiter,
    control,
    canvas,
    workflows,
    leases: new LeaseQueue(clock, stores),
    schedules: new ScheduleDeclarations(),
    ...createMessaging(name, { ...shared, producer, canvas, workflows }),
    remotes: new Set(),
    closers: new Set(),
  };
}

function storesOfCanvas(stores: Stores): Pick<CanvasContext, 'sharedRegistry' | 'native'> {
  return {
    sharedRegistry: () => stores.current?.sharedRegistry,
    native: async () => (stores.current ?? (await stores.open())).brokerConnection.canvas,
  };
}

function checkName(name: unknown): void {
  if (isName(name)) return;
  throw new ConfigurationError('new Lovage(name): the name is a non-empty, well-formed string');
}

function openLater(
  { drivers = [], security }: AppOptions,
  provenance: ReadonlyMap<string, Setting>,
  {
    clock,
    logger,
    settings,
    where,
  }: Pick<AppRuntime, 'logger' | 'settings'> & { readonly clock: ReplaceableClock; readonly where: string },
): Stores {
  const sealer = security && new Sealer(security, clock, where);
  return new Stores(settings, provenance.get('broker')?.source ?? '', { clock, logger, drivers, sealer });
}

function createConcurrencyLimiter(stores: Stores, logger: Logger, publishTimeout: number): ConcurrencyLimiter {
  const open = async (): Promise<SemaphoreStores> => {
    const { broker, brokerConnection, monitor, results } = stores.current ?? (await stores.open());
    return { broker, semaphore: brokerConnection.semaphore, monitor, results };
  };
  return new ConcurrencyLimiter({ stores: open, logger, publishTimeout });
}

function createRateLines(stores: Stores, parts: Omit<RateLinesOptions, 'limiter'>): RateLines {
  const limiter = async () => (stores.current ?? (await stores.open())).brokerConnection.limits;
  return new RateLines({ ...parts, limiter });
}

type ProducerParts = Pick<
  AppRuntime,
  'registry' | 'clock' | 'brokerClock' | 'logger' | 'settings' | 'stores' | 'results' | 'concurrencyLimiter' | 'plugins'
>;

function createProducer({ conf }: AppOptions, where: string, parts: ProducerParts): Producer {
  const { clock, stores, settings, results, concurrencyLimiter, plugins } = parts;
  const sentEvents = conf?.taskSendSentEvent ? createSentEvents(stores, clock) : undefined;
  return new Producer({
    clock,
    broker: () => stores.current?.broker ?? stores.open().then((open) => open.broker),
    brokerName: () => stores.display,
    results,
    clockOffset: () => stores.clockOffset(),
    uniqueStores: () => stores.open(),
    resultExpires: settings.resultExpires,
    concurrencyLimiter,
    rateLines: createRateLines(stores, { ...parts, clock: parts.brokerClock }),
    router: compileRoutes(conf?.taskRoutes, `${where}: conf.taskRoutes`),
    defaultQueue: settings.taskDefaultQueue,
    broadcastQueues: settings.broadcastQueues,
    publishTimeout: settings.publishTimeout,
    maxPayload: { bytes: settings.maxPayload, option: 'maxPayload' },
    beforePublish: plugins.beforePublish,
    onSent: plugins.observes('afterTaskPublish') ? emitPublished(plugins, sentEvents) : sentEvents,
    onUnsent: plugins.observes('taskPublishFailed') ? emitUnpublished(plugins) : undefined,
  });
}

type OnSent = (messages: readonly Message[]) => void;

function emitPublished(plugins: PluginList, also: OnSent | undefined): OnSent {
  return (messages) => {
    for (const { id, task, queue, headers = {} } of messages) {
      plugins.emit('afterTaskPublish', { id, task, queue, headers });
    }
    also?.(messages);
  };
}

function emitUnpublished(plugins: PluginList): (messages: readonly Message[], error: unknown) => void {
  return (messages, error) => {
    for (const { id, task, queue, headers = {} } of messages) {
      plugins.emit('taskPublishFailed', { id, task, queue, headers, error });
    }
  };
}

/** Tells the bus of each call that was accepted. */
function createSentEvents(stores: Stores, clock: Clock): OnSent {
  const sender = new EventSender(async (topic, message) => stores.current?.bus?.publish(topic, message), clock);
  return (messages) => {
    for (const { id, task, queue, eta, rootId, parentId, tags } of messages) {
      sender.send({ type: 'task.sent', at: clock.now(), id, task, queue, eta, rootId, parentId, tags });
    }
  };
}

function checkUrls({ broker, backend }: Settings, { drivers = [] }: AppOptions): void {
  checkScheme(broker, drivers);
  if (backend !== undefined && backend !== 'none') checkScheme(backend, drivers);
}

type ResultParts = Pick<AppRuntime, 'registry' | 'errors' | 'clock' | 'logger' | 'control'>;

function createResults(
  name: string,
  stores: Stores,
  { registry, errors, clock, logger, control }: ResultParts,
): ResultContext {
  const open = async (): Promise<ResultStores> => {
    const { results, monitor } = stores.current ?? (await stores.open());
    if (results === undefined) throw new ConfigurationError(`app "${name}" stores no results (backend: 'none')`);
    return { results, monitor };
  };
  const inbox = new ResultInbox(open, clock, logger);
  const revoke: ResultContext['revoke'] = (ids, given) => control.revoke(ids, given);
  return { clock, inbox, registry, errors, enabled: stores.storesResults, stores: open, revoke };
}

const runtimes = new WeakMap<object, AppRuntime>();

/** Makes the inside findable from the app; for the app itself. */
export function setRuntime(app: object, runtime: AppRuntime): void {
  runtimes.set(app, runtime);
}

/** Throws a TypeError for anything that is not an app of this copy of core. */
export function runtimeOf(app: object): AppRuntime {
  const runtime = runtimes.get(app);
  if (runtime) return runtime;
  throw new TypeError('not a Lovage app made by this copy of @lovage/core: is it installed twice?');
}
