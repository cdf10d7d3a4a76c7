/** Fields of a log line: ids and figures, never task arguments. */
export type LogFields = Readonly<Record<string, unknown>>;

/** What Lovage needs of a logger: pino's and console's shape turned to `(message, fields)`. The CLI supplies pino. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose every line carries these fields too. */
  child(fields: LogFields): Logger;
  /** False: `debug` lines go nowhere, so that the worker need not make one per task. @default true */
  readonly debugEnabled?: boolean;
}

/** The levels, from the most to the least talkative; `silent` says nothing. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/**
 * Fields of a line over those that its logger carries. A field that would hide one of those (a handler's own `task`, say) gets a `_`
 * behind its name: two keys of one name in a JSON line are read differently by each reader.
 */
export function mergeLogFields(carried: LogFields, fields: LogFields = {}): LogFields {
  const merged: Record<string, unknown> = { ...carried };
  for (const [key, value] of Object.entries(fields)) {
    const isTaken = Object.hasOwn(carried, key) && carried[key] !== value;
    merged[isTaken ? `${key}_` : key] = value;
  }
  return merged;
}

/** Writes a line per message on stderr: the library's own logger when the user gives none. */
export function createConsoleLogger(level: LogLevel = 'info', fields: LogFields = {}): Logger {
  const threshold = logLevels.indexOf(level);
  const write = (at: LogLevel, message: string, extra?: LogFields): void => {
    if (logLevels.indexOf(at) < threshold) return;
    process.stderr.write(
      `${at === 'info' ? '' : `${at}: `}lovage: ${message}${format(mergeLogFields(fields, extra))}\n`,
    );
  };
  return {
    debug: (message, extra) => write('debug', message, extra),
    info: (message, extra) => write('info', message, extra),
    warn: (message, extra) => write('warn', message, extra),
    error: (message, extra) => write('error', message, extra),
    child: (extra) => createConsoleLogger(level, mergeLogFields(fields, extra)),
    debugEnabled: threshold === 0,
  };
}

/** A logger that says nothing. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
  debugEnabled: false,
};

function format(fields: LogFields): string {
  const { stack, ...others } = fields;
  const entries = Object.entries(others).filter(([, value]) => value !== undefined);
  const pairs = entries.map(([key, value]) => ` ${key}=${show(value)}`).join('');
  return typeof stack === 'string' ? `${pairs}\n${stack.replaceAll(/^/gm, '    ')}` : pairs;
}

function show(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(`${value.name}: ${value.message}`);
  if (typeof value === 'string') return /[\s"=]/.test(value) ? JSON.stringify(value) : value;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
