import type { LogFields, Logger, LogLevel } from '@lovage/core';
import { mergeLogFields } from '@lovage/core/visible';
import { formatLogLine } from './log-line.ts';

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

/** A logger whose level can change, for commands that are not workers: a line per message on stderr. */
export class PlainLogger implements Logger {
  readonly #level: { current: LogLevel };
  readonly #fields: LogFields;

  constructor(level: LogLevel | { current: LogLevel }, fields: LogFields = {}) {
    this.#level = typeof level === 'string' ? { current: level } : level;
    this.#fields = fields;
  }

  /** For this logger and its children. */
  setLevel(level: LogLevel): void {
    this.#level.current = level;
  }

  get debugEnabled(): boolean {
    return this.#level.current === 'debug';
  }

  debug(message: string, fields?: LogFields): void {
    this.#write('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields);
  }

  child(fields: LogFields): Logger {
    return new PlainLogger(this.#level, mergeLogFields(this.#fields, fields));
  }

  #write(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (levels.indexOf(level) < levels.indexOf(this.#level.current)) return;
    const line = { level, time: Date.now(), message, fields: mergeLogFields(this.#fields, fields) };
    process.stderr.write(`${formatLogLine(line)}\n`);
  }
}

/** The logger of a command that is not a worker: warnings and errors, or what LOVAGE_LOG_LEVEL or `--verbose` ask for. */
export function createCommandLogger(verbose: boolean | undefined): PlainLogger {
  return new PlainLogger(askedLevel(verbose) ?? 'warn');
}

/** The level that the person asked for; undefined when they did not say. */
export function askedLevel(verbose: boolean | undefined): LogLevel | undefined {
  if (verbose) return 'debug';
  return levels.find((level) => level === process.env['LOVAGE_LOG_LEVEL']);
}
