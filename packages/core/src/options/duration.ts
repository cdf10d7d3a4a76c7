import { ConfigurationError } from '../errors.ts';

/** Milliseconds as a number, or text such as `'30s'`, `'5m'`, `'1h30m'`, `'250ms'`, `'1d'`. */
export type Duration = number | string;

/** A point in time: a `Date`, epoch milliseconds, or an ISO 8601 string with an offset. */
export type Instant = Date | number | string;

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const durationText = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$/;

/** Milliseconds of a duration. `where` names the option in the error. Throws {@link ConfigurationError}. */
export function parseDuration(value: unknown, where: string): number {
  const ms = typeof value === 'string' ? durationOfText(value.replaceAll(/\s+/g, '')) : value;
  // whole milliseconds: the wire format takes no others
  if (typeof ms === 'number' && ms >= 0 && Number.isSafeInteger(Math.round(ms))) return Math.round(ms);
  throw new ConfigurationError(
    `${where}: ${show(value)} is not a duration: give milliseconds or text such as '30s', '5m', '1h30m'`,
  );
}

function durationOfText(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  return durationText.test(text) ? sumOfParts(text) : Number.NaN;
}

function sumOfParts(text: string): number {
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)) {
    total += Number(count) * (unitMs[unit as string] as number);
  }
  return total;
}

/**
 * Epoch milliseconds of an instant, whole and from 1970 on, as the wire format takes them. A string without an offset is
 * refused: it means another moment on each machine.
 */
export function parseInstant(value: unknown, where: string): number {
  const time =
    value instanceof Date
      ? value.getTime()
      : typeof value === 'number'
        ? value
        : typeof value === 'string' && /^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:?\d\d)$/i.test(value)
          ? Date.parse(value)
          : Number.NaN;
  if (Number.isSafeInteger(Math.round(time))) return Math.max(0, Math.round(time));
  throw new ConfigurationError(
    `${where}: ${show(value)} is not a time: give a Date or an ISO string with an offset, such as '2027-01-31T08:00:00Z'`,
  );
}

const sizeUnits: ReadonlyMap<string, number> = new Map(
  Object.entries({ '': 1, b: 1, kb: 1e3, mb: 1e6, gb: 1e9, kib: 1024, mib: 1024 ** 2, gib: 1024 ** 3 }),
);

/** Bytes of a size: a number, or text such as `'1MiB'`, `'500kB'`. */
export function parseSize(value: unknown, where: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(value.trim()) : null;
  const unit = match ? sizeUnits.get((match[2] as string).toLowerCase()) : undefined;
  const bytes = match && unit !== undefined ? Math.round(Number(match[1]) * unit) : Number.NaN;
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new ConfigurationError(`${where}: ${show(value)} is not a size: give bytes or text such as '1MiB', '500kB'`);
}

/** At most `count` per `period` milliseconds. */
export interface Rate {
  readonly count: number;
  readonly period: number;
}

/** A rate such as `'10/s'`, `'100/m'`, `'5/h'`; a number means per second (as in Celery). */
export function parseRate(value: unknown, where: string): Rate {
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return { count: value, period: 1000 };
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)\/(s|m|h|d)$/.exec(value.trim()) : null;
  if (match && Number(match[1]) > 0) return { count: Number(match[1]), period: unitMs[match[2] as string] as number };
  throw new ConfigurationError(`${where}: ${show(value)} is not a rate: give text such as '10/s', '100/m', '5/h'`);
}

/** Milliseconds between two starts at this rate. */
export function intervalOf({ count, period }: Rate): number {
  return period / count;
}

/** `1500` as `1.5s`: for people, in log lines and banners. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const size = unitMs[unit] as number;
    if (ms >= size) return `${Number((ms / size).toFixed(2))}${unit}`;
  }
  return `${Math.round(ms)}ms`;
}

function show(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  // an object's own toString may throw, or be missing
  return typeof value === 'object' && value !== null && !(value instanceof Date)
    ? Object.prototype.toString.call(value)
    : String(value);
}
