import { paint, type Style } from './paint.ts';
import { oneLine } from './print.ts';
import { redact } from './redact.ts';

/** An event as core gives it: what it carries depends on its type. */
export interface EventFields {
  readonly type: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly [field: string]: unknown;
}

const styles: Readonly<Record<string, Style>> = {
  'task.failed': 'red',
  'task.rejected': 'red',
  'task.retried': 'yellow',
  'task.revoked': 'yellow',
  'task.succeeded': 'green',
  'worker.heartbeat': 'dim',
};

/** An event for people: `12:34:56.789 task.failed       add  id=… worker=w1 failure="Error: no"`. */
export function formatEvent({ type, at, task, ...fields }: EventFields): string {
  const clock = `${new Date(at).toTimeString().slice(0, 8)}.${String(at % 1000).padStart(3, '0')}`;
  const style = styles[type];
  const name = type.padEnd(16);
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${paint('dim', `${key}=`, process.stdout)}${showField(key, value)}`);
  const head = [
    paint('dim', clock, process.stdout),
    style ? paint(style, name, process.stdout) : name,
    ...(task === undefined ? [] : [String(task)]),
  ].join(' ');
  return redact([head, ...pairs].join('  '));
}

function showField(key: string, value: unknown): string {
  if (key === 'failure') {
    const { name, message } = value as { readonly name: string; readonly message: string };
    return JSON.stringify(oneLine(`${name}: ${message}`));
  }
  if (key === 'retryAt' || key === 'eta') return new Date(Number(value)).toISOString();
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(',');
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? String(value);
}
