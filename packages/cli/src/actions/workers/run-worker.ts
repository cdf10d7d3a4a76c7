import { pathToFileURL } from 'node:url';
import type { Logger, LogLevel, Lovage } from '@lovage/core';
import { systemClock } from '@lovage/core/driver';
import { Inspector, registeredTasks } from '@lovage/core/inspect';
import {
  type AppModule,
  type AutoscaleLimits,
  consumedQueues,
  startWorker,
  unconsumedTasks,
  type Worker,
  type WorkerOptions,
} from '@lovage/core/worker';
import { childFlags } from '../../app/child-loader.ts';
import type { AppLocation } from '../../app/find-app.ts';
import { isInProcess, type OpenedApp, openApp, textSetting } from '../../app/open-app.ts';
import type { GlobalArguments } from '../../command.ts';
import { type ExitCode, exitCodeOfSignal, usageError } from '../../exit-code.ts';
import { type HealthServer, serveHealth } from '../../health/health-server.ts';
import { MetricsSource, type Page } from '../../health/metrics-source.ts';
import { type Health, type Probe, Readiness } from '../../health/readiness.ts';
import { readAutoscale } from '../../options/read-autoscale.ts';
import { settingsOf } from '../../options/setting-flags.ts';
import { type BannerFacts, bannerFields, formatBanner } from '../../output/banner.ts';
import { createPinoLogger, type LogFormat } from '../../output/pino-logger.ts';
import { printLine } from '../../output/print.ts';
import { type SignalWatch, watchSignals } from '../../signal-watch.ts';
import { readVersion } from '../../version.ts';
import { closeSoon } from '../with-app.ts';
import { endOnSignal, exitAfter } from './end-worker.ts';
import {
  answerSupervisor,
  onSupervisorSignal,
  readSupervised,
  type SupervisedProcess,
  tellSupervisor,
} from './processes/process-link.ts';
import { readProcesses } from './processes/read-processes.ts';

/** What `lovage worker` was given, beside the flags that are settings of the app. */
export interface WorkerArguments extends GlobalArguments {
  readonly name?: string;
  readonly processes?: string;
  readonly logFormat?: string;
  readonly strictBroker?: boolean;
  readonly exitOnBrokerLoss?: boolean;
  readonly beat?: boolean;
  readonly events?: boolean;
  readonly noRemoteControl?: boolean;
  readonly allowControl?: string;
  readonly autoscale?: string;
  readonly healthPort?: string;
  readonly healthHost?: string;
}

/** How long the broker may take to answer a readiness probe, in milliseconds. */
const checkTimeout = 2_000;

/** Runs a worker, or several processes of one, until a signal ends it. The process then ends within the drain plus 5 s, whatever hangs. */
export async function runWorker(
  given: WorkerArguments,
  onReady: (opened: OpenedApp) => Promise<void> = async () => {},
): Promise<ExitCode> {
  const format = readFormat(given);
  const log = createPinoLogger(format);
  const supervised = readSupervised();
  const processes = supervised ? 1 : readProcesses(given.processes, given.name);
  if (processes > 1) return (await import('./processes/run-processes.ts')).runProcesses(processes, given, log.logger);
  return new WorkerProgram(given, { format, log, supervised }).run(onReady);
}

interface Surroundings {
  readonly format: LogFormat;
  readonly log: ReturnType<typeof createPinoLogger>;
  readonly supervised: SupervisedProcess | undefined;
}

/** The one worker of this process. */
class WorkerProgram {
  readonly #given: WorkerArguments;
  readonly #format: LogFormat;
  readonly #log: Surroundings['log'];
  readonly #supervised: SupervisedProcess | undefined;
  readonly #readiness = new Readiness(systemClock);
  #metrics: MetricsSource | undefined;

  constructor(given: WorkerArguments, { format, log, supervised }: Surroundings) {
    this.#given = { ...given, ...nameOf(given, supervised) };
    this.#format = format;
    this.#log = log;
    this.#supervised = supervised;
  }

  async run(onReady: (opened: OpenedApp) => Promise<void>): Promise<ExitCode> {
    const startedAt = performance.now();
    const { logger } = this.#log;
    const end = (signal: NodeJS.Signals): void => process.exit(exitCodeOfSignal(signal));
    const signals = watchSignals(end, this.#supervised && onSupervisorSignal);
    const keepAlive = setInterval(() => {}, 2 ** 30); // memory:// has no socket that would
    const letCrash = surviveRejections(logger);
    const health = await this.#serveHealth();
    try {
      const opened = await this.#open();
      const worker = await start(opened, this.#given, signals);
      if (worker === undefined) return 0;
      if (this.#given.healthPort !== undefined) this.#metrics = new MetricsSource(opened.app, worker);
      this.#watch(opened, worker);
      const { name, queues, slots } = worker.report();
      logger.info('ready', { worker: name, queues, slots, inMs: Math.round(performance.now() - startedAt) });
      if (this.#given.beat && (this.#supervised?.number ?? 1) === 1) await startBeside(opened.app, logger);
      await onReady(opened);
      if (this.#supervised) reportTo(worker);
      const drain = Number(opened.settings.get('worker.drain')?.value);
      const onEnding = (): void => this.#readiness.end();
      return await endOnSignal({ app: opened.app, worker, drain, signals, logger, onEnding });
    } finally {
      health?.close();
      letCrash();
      clearInterval(keepAlive);
    }
  }

  /** Loads the app, and introduces it: of several processes the first does. */
  async #open(): Promise<OpenedApp> {
    const { logger, setLevel } = this.#log;
    const opened = await openApp(this.#given, { logger, needsApp: true });
    setLevel(textSetting(opened.settings, 'logLevel') as LogLevel); // core has read it as one
    if (this.#supervised && isInProcess(opened.settings)) throw usageError(noBrokerForProcesses);
    const autoscale = autoscaleOf(this.#given);
    const processes = this.#supervised?.of;
    if (this.#supervised?.isNew ?? true) introduce(opened, { format: this.#format, autoscale, processes }, logger);
    return opened;
  }

  /** Before anything else, so that probes are answered while the worker starts. A supervisor asks its processes. */
  async #serveHealth(): Promise<HealthServer | undefined> {
    const health = (probe: Probe): Promise<Health> => this.#readiness.answer(probe);
    const page = async (url: URL): Promise<Page | undefined> => this.#metrics?.answer(url);
    if (this.#supervised === undefined) return serveHealth(this.#given, { health, page }, this.#log.logger);
    answerSupervisor({ health, page });
    return undefined;
  }

  #watch({ app, settings }: OpenedApp, worker: Worker): void {
    this.#readiness.start({
      check: () => new Inspector(app).check({ timeout: checkTimeout }),
      longestUnpolledQueue: () => worker.longestUnpolledQueue,
      poolTrouble: () => worker.poolTrouble,
      pollTimeout: Number(settings.get('worker.pollTimeout')?.value),
    });
  }
}

const noBrokerForProcesses =
  '--processes: memory:// holds the tasks of one process only: name a broker with --broker or LOVAGE_BROKER_URL';

function nameOf({ name }: WorkerArguments, supervised: SupervisedProcess | undefined): Pick<WorkerArguments, 'name'> {
  return name === undefined ? {} : { name: name.replaceAll('%i', String(supervised?.number ?? 1)) };
}

function reportTo(worker: Worker): void {
  tellSupervisor({ ready: true });
  void worker.shutdownRequested.then(() => tellSupervisor({ leaving: true }));
}

/** A beat in the worker's process; it ends with the app. */
async function startBeside(app: Lovage, logger: Logger): Promise<void> {
  const { startBeat } = await import('@lovage/core/beat');
  await startBeat(app);
  logger.info('beat is ready', { app: app.name });
}

function readFormat({ logFormat, json }: WorkerArguments): LogFormat {
  const asked = logFormat ?? (process.env['LOVAGE_LOG_FORMAT'] || undefined);
  if (asked === undefined) return process.stderr.isTTY && !json ? 'pretty' : 'json';
  if (asked === 'pretty' || asked === 'json') return asked;
  const where = logFormat === undefined ? 'LOVAGE_LOG_FORMAT' : '--log-format';
  throw usageError(`${where}: expected "pretty" or "json", received "${asked}"`);
}

/** A promise that a handler left without a catch is a fault of one task, and no reason to end all the others. */
function surviveRejections(logger: Logger): () => void {
  const onRejection = (error: unknown): void => {
    logger.error('unhandled promise rejection; the worker continues', { error });
  };
  process.on('unhandledRejection', onRejection);
  return () => process.off('unhandledRejection', onRejection);
}

interface Introduction {
  readonly format: LogFormat;
  readonly autoscale: AutoscaleLimits | undefined;
  /** How many are alike; undefined: this one alone. */
  readonly processes: number | undefined;
}

function introduce(
  { app, location, settings }: OpenedApp,
  { format, autoscale, processes }: Introduction,
  logger: Logger,
): void {
  const queues = consumedQueues(app);
  const facts: BannerFacts = {
    version: readVersion(),
    app: app.name,
    module: location?.shown ?? '',
    broker: textSetting(settings, 'broker') ?? '',
    backend: textSetting(settings, 'backend'),
    queues,
    unconsumed: unconsumedTasks(app, queues),
    slots: autoscale?.min ?? Number(settings.get('worker.concurrency')?.value),
    ...(autoscale ? { mostSlots: autoscale.max } : {}),
    ...(processes === undefined ? {} : { processes }),
    pool: textSetting(settings, 'worker.pool') ?? 'async',
    tasks: registeredTasks(app),
    inProcess: isInProcess(settings),
  };
  if (format === 'pretty') printLine(formatBanner(facts));
  else logger.info('starting', bannerFields(facts));
  if (facts.tasks.length === 0)
    logger.warn(
      "the app has no tasks: if they are in other modules, name those in its option include ('./tasks/*.ts')",
    );
}

/** undefined when a signal came before the worker was there. */
async function start(opened: OpenedApp, given: WorkerArguments, signals: SignalWatch): Promise<Worker | undefined> {
  const { app } = opened;
  const cancel = new AbortController();
  let starting = true;
  let stay = (): void => {};
  void signals.first.then(() => {
    if (!starting) return;
    cancel.abort();
    stay = exitAfter(0, () => 0);
  });
  try {
    const worker = await startWorker(app, { ...toOptions(opened, given), signal: cancel.signal });
    stay(); // it runs tasks already: they get their drain
    return worker;
  } catch (error) {
    await closeSoon(app);
    if (signals.received === undefined) throw error;
    return undefined;
  } finally {
    starting = false;
  }
}

function toOptions({ location }: OpenedApp, given: WorkerArguments): WorkerOptions {
  const { name, strictBroker = false, exitOnBrokerLoss = false, events = false } = given;
  const { noRemoteControl = false, allowControl } = given;
  const limits = autoscaleOf(given);
  return {
    strictBroker,
    exitOnBrokerLoss,
    events,
    onBlockedLimit: 'exit',
    remoteControl: noRemoteControl ? false : (allowControl?.split(',').map((name) => name.trim()) ?? true),
    ...(limits ? { autoscale: limits } : {}),
    ...(name === undefined ? {} : { name }),
    ...(location === undefined ? {} : { appModule: toAppModule(location, given) }),
  };
}

function autoscaleOf({ autoscale }: WorkerArguments): AutoscaleLimits | undefined {
  return autoscale === undefined ? undefined : readAutoscale(autoscale.split(','), '--autoscale');
}

/** Where threads and processes find the app, and how they load it: with the flags of this command line. */
function toAppModule({ file, exportName }: AppLocation, given: WorkerArguments): AppModule {
  process.env[childFlags] = JSON.stringify(settingsOf({ ...given }));
  const loader = new URL(
    import.meta.url.endsWith('.ts') ? '../../../dist/app/child-loader.js' : '../../app/child-loader.js',
    import.meta.url,
  );
  return { url: pathToFileURL(file).href, loader: loader.href, ...(exportName === undefined ? {} : { exportName }) };
}
