import type { LogLevel } from '@lovage/core';
import { startRelay } from '@lovage/core/worker';
import { openApp, textSetting } from '../../app/open-app.ts';
import type { GlobalArguments } from '../../command.ts';
import { type ExitCode, exitCodeOfSignal, usageError } from '../../exit-code.ts';
import { createPinoLogger } from '../../output/pino-logger.ts';
import { watchSignals } from '../../signal-watch.ts';
import { readLogFormat } from '../log-format.ts';

/** What `lovage relay` was given. */
export interface RelayArguments extends GlobalArguments {
  readonly database?: string;
  readonly batch?: string;
  readonly logFormat?: string;
}

/** What the end may take: the batch under way is sent. */
const endDeadline = 10_000;

/** Relays until a signal ends it: exit 0. A second signal ends the process; what it held is sent by the next relay. */
export async function runRelay(given: RelayArguments): Promise<ExitCode> {
  const log = createPinoLogger(readLogFormat(given));
  const batch = readBatch(given.batch);
  const signals = watchSignals((signal) => process.exit(exitCodeOfSignal(signal)));
  void signals.second.then((signal) => process.exit(exitCodeOfSignal(signal)));
  const { app, settings } = await openApp(given, { logger: log.logger });
  log.setLevel(textSetting(settings, 'logLevel') as LogLevel); // core has read it as one
  const { database } = given;
  const relay = await startRelay(app, {
    ...(database === undefined ? {} : { database }),
    ...(batch === undefined ? {} : { batch }),
  });
  log.logger.info('relay is ready', { app: app.name });
  const signal = await signals.first;
  setTimeout(() => process.exit(exitCodeOfSignal(signal)), endDeadline).unref();
  await relay.close();
  log.logger.info(`${signal}: ended`, { sent: relay.sent });
  await app.close();
  return 0;
}

function readBatch(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw usageError(`--batch: expected 1 to 9999, received "${text}"`);
}
