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
import { type HealthServer, startHealthServer } from '../../health/health-server.ts';
import { MetricsSource, type Page } from '../../health/metrics-source.ts';
import { Readiness } from '../../health/readiness.ts';
import { readAutoscale } from '../../options/read-autoscale.ts';
import { readPort } from '../../options/read-port.ts';
import { settingsOf } from '../../options/setting-flags.ts';
import { type BannerFacts, bannerFields, formatBanner } from '../../output/banner.ts';
import { createPinoLogger, type LogFormat } from '../../output/pino-logger.ts';
import { printLine } from '../../output/print.ts';
import { type SignalWatch, watchSignals } from '../../signal-watch.ts';
import { readVersion } from '../../version.ts';
import { closeSoon } from '../with-app.ts';
import { endOnSignal, exitAfter } from './end-worker.ts';

/** What `lovage worker` was given, beside the flags that are settings of the app. */
export interface WorkerArguments extends GlobalArguments {
  readonly name?: string;
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

/** Runs a worker until a signal ends it. The process then ends within the drain plus 5 s, whatever hangs. */
export async function runWorker(
  given: WorkerArguments,
  onReady: (opened: OpenedApp) => Promise<void> = async () => {},
): Promise<ExitCode> {
  const startedAt = performance.now();
  const format = readFormat(given);
  const log = createPinoLogger(format);
  const signals = watchSignals((signal) => process.exit(exitCodeOfSignal(signal)));
  const keepAlive = setInterval(() => {}, 2 ** 30); // memory:// has no socket that would
  const letCrash = surviveRejections(log.logger);
  const readiness = new Readiness(systemClock);
  let health: HealthServer | undefined;
  let metrics: MetricsSource | undefined;
  try {
    health = await serveHealth(
      given,
      { readiness, page: (url) => metrics?.answer(url) ?? Promise.resolve(undefined) },
      log.logger,
    );
    const opened = await openApp(given, { logger: log.logger, needsApp: true });
    log.setLevel(textSetting(opened.settings, 'logLevel') as LogLevel); // core has read it as one
    introduce(opened, { format, autoscale: autoscaleOf(given) }, log.logger);
    const worker = await start(opened, given, signals);
    if (worker === undefined) return 0;
    if (health) metrics = new MetricsSource(opened.app, worker);
    readiness.start({
      check: () => new Inspector(opened.app).check({ timeout: checkTimeout }),
      longestUnpolledQueue: () => worker.longestUnpolledQueue,
      poolTrouble: () => worker.poolTrouble,
      pollTimeout: Number(opened.settings.get('worker.pollTimeout')?.value),
    });
    const { name, queues, slots } = worker.report();
    log.logger.info('ready', { worker: name, queues, slots, inMs: Math.round(performance.now() - startedAt) });
    if (given.beat) await startBeside(opened.app, log.logger);
    await onReady(opened);
    const drain = Number(opened.settings.get('worker.drain')?.value);
    const onEnding = (): void => readiness.end();
    return await endOnSignal({ app: opened.app, worker, drain, signals, logger: log.logger, onEnding });
  } finally {
    health?.close();
    letCrash();
    clearInterval(keepAlive);
  }
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
}

function introduce({ app, location, settings }: OpenedApp, { format, autoscale }: Introduction, logger: Logger): void {
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

/** Before anything else, so that probes are answered while the worker starts. */
async function serveHealth(
  { healthPort, healthHost = '127.0.0.1' }: WorkerArguments,
  { readiness, page }: { readonly readiness: Readiness; readonly page: (url: URL) => Promise<Page | undefined> },
  logger: Logger,
): Promise<HealthServer | undefined> {
  if (healthPort === undefined) return undefined;
  const address = { host: healthHost, port: readPort(healthPort, '--health-port') };
  const server = await startHealthServer(address, (probe) => readiness.answer(probe), page);
  logger.info('serving health', { host: healthHost, port: server.port });
  return server;
}
