import { paint, printable, type Style } from './paint.ts';
import { redact } from './redact.ts';

/** A log line before it is text. */
export interface LogLine {
  readonly level: string;
  /** Epoch milliseconds. */
  readonly time: number;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const styles: Readonly<Record<string, Style>> = { debug: 'dim', info: 'green', warn: 'yellow', error: 'red' };

/** For people: `12:34:56.789 INFO  ready  queues=default`, with the stacks of errors below. */
export function formatLogLine({ level, time, message, fields }: LogLine): string {
  const clock = new Date(time).toTimeString().slice(0, 8);
  const head = `${paint('dim', `${clock}.${String(time % 1000).padStart(3, '0')}`)} ${paintLevel(level)} ${message}`;
  const { stack, ...others } = fields;
  const shown = Object.entries(others).filter(([, value]) => value !== undefined);
  const pairs = shown.map(([key, value]) => `${paint('dim', `${key}=`)}${showField(value)}`);
  const stacks = [stack, ...shown.map(([, value]) => stackOf(value))].filter((text) => typeof text === 'string');
  return printable(
    redact([[head, ...pairs].join('  '), ...stacks.map((stack) => paint('dim', indent(stack)))].join('\n')),
  );
}

function paintLevel(level: string): string {
  return paint(styles[level] ?? 'dim', level.toUpperCase().padEnd(5));
}

function showField(value: unknown): string {
  if (isErrorLike(value)) return JSON.stringify(`${value.name ?? value.type ?? 'Error'}: ${value.message}`);
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return showField(value.join(','));
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? String(value);
}

/** An Error, or what pino's serializer made of one. */
interface ErrorLike {
  readonly name?: string;
  readonly type?: string;
  readonly message: string;
  readonly stack?: string;
  /** Of core's own errors: trouble that the message explains whole. */
  readonly code?: string;
}

function isErrorLike(value: unknown): value is ErrorLike {
  return (
    typeof value === 'object' &&
    value !== null &&
    'message' in value &&
    typeof value.message === 'string' &&
    'stack' in value
  );
}

function stackOf(value: unknown): string | undefined {
  return isErrorLike(value) && value.code === undefined ? value.stack : undefined;
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '    ');
}
