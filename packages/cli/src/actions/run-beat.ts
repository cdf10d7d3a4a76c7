import { createServer, type Server } from 'node:http';
import type { LogLevel } from '@lovage/core';
import { type Beat, type BeatOptions, startBeat } from '@lovage/core/beat';
import { openApp, textSetting } from '../app/open-app.ts';
import type { GlobalArguments } from '../command.ts';
import { type ExitCode, exitCodeOfSignal, usageError } from '../exit-code.ts';
import { createPinoLogger } from '../output/pino-logger.ts';
import { watchSignals } from '../signal-watch.ts';
import { readLogFormat } from './log-format.ts';

/** What `lovage beat` was given. */
export interface BeatArguments extends GlobalArguments {
  readonly lease?: string;
  readonly refresh?: string;
  readonly noElect?: boolean;
  readonly healthPort?: string;
  readonly logFormat?: string;
  readonly exitOnBrokerLoss?: boolean;
}

/** What the end may take: what is being sent is sent, the lease is given back. */
const endDeadline = 10_000;

/** Runs a beat until a signal ends it: exit 0, and another beat leads at once. A second signal ends the process. */
export async function runBeat(given: BeatArguments): Promise<ExitCode> {
  const log = createPinoLogger(readLogFormat(given));
  const port = readPort(given.healthPort);
  const signals = watchSignals((signal) => process.exit(exitCodeOfSignal(signal)));
  void signals.second.then((signal) => process.exit(exitCodeOfSignal(signal)));
  const keepAlive = setInterval(() => {}, 2 ** 30); // a beat that stands by on memory:// has no socket that would
  try {
    const { app, settings } = await openApp(given, { logger: log.logger, needsApp: true });
    log.setLevel(textSetting(settings, 'logLevel') as LogLevel); // core has read it as one
    const beat = await startBeat(app, optionsOf(given));
    const health = port === undefined ? undefined : await serveHealth(beat, port);
    log.logger.info('beat is ready', { app: app.name, ...(health ? { healthPort: portOf(health) } : {}) });
    const signal = await signals.first;
    setTimeout(() => process.exit(exitCodeOfSignal(signal)), endDeadline).unref();
    log.logger.info(`${signal}: ending, another beat may lead`);
    health?.close();
    await beat.close();
    await app.close();
    return 0;
  } finally {
    clearInterval(keepAlive);
  }
}

function optionsOf({ lease, refresh, noElect, exitOnBrokerLoss = false }: BeatArguments): BeatOptions {
  return {
    elect: !noElect,
    exitOnBrokerLoss,
    ...(lease === undefined ? {} : { lease }),
    ...(refresh === undefined ? {} : { refresh }),
  };
}

function readPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw usageError(`--health-port: expected a port, received "${text}"`);
}

/** Answers every GET with the beat's health. On all interfaces, as probes ask from outside; it says no names and no data. */
function serveHealth(beat: Beat, port: number): Promise<Server> {
  const server = createServer((_request, response) => {
    const health = beat.health();
    response.writeHead(health.healthy ? 200 : 503, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify(health)}\n`);
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(usageError(`--health-port ${port} cannot be used`, { cause: error })));
    server.listen(port, () => resolve(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}
