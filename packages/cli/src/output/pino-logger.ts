import type { LogFields, Logger, LogLevel } from '@lovage/core';
import { mergeLogFields } from '@lovage/core/visible';
import { destination, type Logger as PinoLogger, pino, stdSerializers } from 'pino';
import { formatLogLine } from './log-line.ts';
import { redact } from './redact.ts';

/** `json`: a JSON object a line, for machines; `pretty`: for people. */
export type LogFormat = 'pretty' | 'json';

/** A worker's logger, and the way to change its level when the app's settings are known. */
export interface WorkerLog {
  readonly logger: Logger;
  setLevel(level: LogLevel): void;
}

/** Where finished lines go. */
export interface LineSink {
  write(line: string): void;
}

/** Core's logger over pino, on stderr. Passwords in URLs are hidden in every line. */
export function createPinoLogger(format: LogFormat, sink: LineSink = openStderr()): WorkerLog {
  const show = format === 'json' ? redact : prettify;
  const root = pino(
    {
      formatters: { level: (label) => ({ level: label }) },
      timestamp: format === 'json' ? () => `,"time":"${new Date().toISOString()}"` : () => `,"time":${Date.now()}`,
      serializers: { error: stdSerializers.err },
      ...(format === 'pretty' ? { base: null } : {}),
    },
    { write: (line) => sink.write(show(line)) },
  );
  const setLevel = (level: LogLevel): void => {
    root.level = level;
  };
  return { logger: wrap(root), setLevel };
}

/** Keys that pino writes itself. */
const ofPino: ReadonlySet<string> = new Set(['level', 'time', 'msg', 'pid', 'hostname']);

/** Fields are put together here: pino's own child loggers write a key that comes again a second time. */
function wrap(target: PinoLogger, carried: LogFields = {}): Logger {
  const all = (fields: LogFields | undefined): LogFields =>
    Object.fromEntries(
      Object.entries(mergeLogFields(carried, fields)).map(([key, value]) => [ofPino.has(key) ? `${key}_` : key, value]),
    );
  return {
    debug: (message, fields) => target.debug(all(fields), message),
    info: (message, fields) => target.info(all(fields), message),
    warn: (message, fields) => target.warn(all(fields), message),
    error: (message, fields) => target.error(all(fields), message),
    child: (fields: LogFields) => wrap(target, mergeLogFields(carried, fields)),
    get debugEnabled() {
      return target.isLevelEnabled('debug');
    },
  };
}

/** Synchronous, so that the last lines before a crash are there too. */
function openStderr(): LineSink {
  const out = destination({ fd: 2, sync: true });
  out.on('error', () => {}); // nobody reads the log any more: the worker goes on
  return { write: (line) => void out.write(line) };
}

function prettify(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  return `${formatLogLine({ level: String(level), time: Number(time), message: String(msg), fields })}\n`;
}
