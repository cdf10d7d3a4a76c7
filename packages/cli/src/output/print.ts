import { inspect } from 'node:util';
import { paint, printable } from './paint.ts';
import { redact } from './redact.ts';

/** Data, on stdout. */
export function printData(text: string): void {
  process.stdout.write(`${printable(text)}\n`);
}

/** Data as one line of JSON, on stdout. */
export function printJson(value: unknown): void {
  printData(JSON.stringify(value));
}

/** A line for the person at the terminal, on stderr. */
export function printLine(text: string): void {
  process.stderr.write(`${printable(text)}\n`);
}

/** A remark for the person at the terminal, on stderr. */
export function printNote(text: string): void {
  printLine(paint('dim', redact(text)));
}

/** `error: …` in one line on stderr, with its cause; with `verbose` the stacks follow. */
export function printError(error: unknown, verbose: boolean): void {
  printLine(`${paint('red', 'error:')} ${describeError(error)}`);
  if (verbose) printLine(redact(inspect(error, { depth: 4 })));
}

/** An error and its causes in one line. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  for (let current = error, depth = 0; current !== undefined && depth < 5; depth++) {
    const message = oneLine(messageOf(current));
    if (!parts.some((part) => part.includes(message))) parts.push(message);
    current = current instanceof Error ? current.cause : undefined;
  }
  return redact(parts.join(': '));
}

/** The message of anything thrown; an AggregateError, as `net.connect` throws it, has an empty one and is asked for its parts. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== '') return error.message;
  const parts = error instanceof AggregateError ? error.errors.map(messageOf) : [];
  return parts.join(', ') || ('code' in error ? String(error.code) : error.name);
}

/** Text without line breaks. */
export function oneLine(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .join(' ')
    .trim();
}
