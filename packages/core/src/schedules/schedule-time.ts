import { ConfigurationError } from '../errors.ts';
import { type Duration, type Instant, parseDuration, parseInstant } from '../options/duration.ts';
import { closestName, readOptions, text } from '../options/option-reader.ts';
import { type CrontabField, type CrontabFields, composeCrontab, parseCrontab } from './schedule-fields.ts';

/** When an entry fires, as data: made by {@link every}, {@link crontab} and {@link at}. */
export type ScheduleTime =
  | { readonly kind: 'every' /** Milliseconds. */; readonly every: number }
  | {
      readonly kind: 'crontab';
      /** Five fields, or six with seconds first. */
      readonly pattern: string;
      /** An IANA time zone; undefined means the entry's, else UTC. */
      readonly tz?: string;
      /** Whose rule holds when clocks change; undefined: cron's. */
      readonly clockChange?: 'celery';
    }
  | { readonly kind: 'at' /** Epoch milliseconds. */; readonly at: number };

/** Options of {@link crontab}. */
export interface CrontabOptions {
  /** The IANA time zone in which the fields are read, such as `Europe/Paris`. @default the entry's `tz`, else 'UTC' */
  readonly tz?: string;
}

/** Shorter than that is a mistake: Celery's numbers are seconds, Lovage's are milliseconds. */
export const shortestInterval = 100;

/**
 * Fires at every multiple of the interval since 1970, or since the entry's `start`: slots do not depend on when beat was
 * started. Throws {@link ConfigurationError}.
 */
export function every(interval: Duration): ScheduleTime {
  const ms = parseDuration(interval, 'every');
  if (ms >= shortestInterval) return { kind: 'every', every: ms };
  throw new ConfigurationError(
    `every: ${ms} ms is too short: at least ${shortestInterval} ms (numbers are milliseconds; write '30s' for seconds)`,
  );
}

/** Makes the times of a crontab line: {@link crontab}. */
export interface Crontab {
  (when?: string | CrontabFields, options?: CrontabOptions): ScheduleTime;
  /**
   * The moments at which Celery's beat would fire, also when clocks change: a time in the spring gap fires as far after the gap as it
   * lay in it, and in the second pass of a repeated hour nothing fires. Of the fields, what Celery has: no seconds, no `L`, no `#`.
   * Throws {@link ConfigurationError}.
   */
  celery(when?: string | Omit<CrontabFields, 'second'>, options?: CrontabOptions): ScheduleTime;
}

/**
 * Fires when the wall clock of a time zone fits: a crontab line (`'0 3 * * 1-5'`; six fields have seconds first;
 * `@daily` and its kin), or Celery's form with named fields. All fields must fit, day of month and day of week too, as in
 * Celery. What happens when clocks change is told in docs/beat.md. Throws {@link ConfigurationError} naming the field.
 */
export const crontab: Crontab = Object.assign(
  (when: string | CrontabFields = {}, options: CrontabOptions = {}): ScheduleTime => readCrontab(when, options),
  { celery: celeryCrontab },
);

function readCrontab(
  when: string | CrontabFields,
  options: CrontabOptions,
): Extract<ScheduleTime, { readonly kind: 'crontab' }> {
  const { tz } = readOptions(options, { tz: timeZone }, 'crontab');
  const pattern = typeof when === 'string' ? parseCrontab(when) : composeCrontab(readFields(when));
  return { kind: 'crontab', pattern, ...(tz === undefined ? {} : { tz }) };
}

function celeryCrontab(when: string | Omit<CrontabFields, 'second'> = {}, options: CrontabOptions = {}): ScheduleTime {
  const time = readCrontab(when, options);
  if (time.pattern.split(' ').length > 5) {
    throw new ConfigurationError("crontab.celery: Celery's crontab has no seconds: write five fields");
  }
  if (/[L#]/.test(time.pattern)) {
    throw new ConfigurationError(`crontab.celery "${time.pattern}": Celery has neither "L" nor "#": use crontab(…)`);
  }
  return { ...time, clockChange: 'celery' };
}

/** Fires once, at that moment. Throws {@link ConfigurationError}. */
export function at(moment: Instant): ScheduleTime {
  return { kind: 'at', at: parseInstant(moment, 'at') };
}

/** An IANA time zone this Node knows. */
export function timeZone(value: unknown, where: string): string {
  const name = text(value, where);
  if (isTimeZone(name)) return name;
  const closest = zoneLike(name);
  const hint = closest ? `did you mean "${closest}"?` : 'expected an IANA name such as "Europe/Paris"';
  throw new ConfigurationError(`${where}: unknown time zone "${name}": ${hint}`);
}

/** Aliases too (`US/Eastern`), which the list of zones leaves out. */
function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

/** `Paris` is what people write for `Europe/Paris`. */
function zoneLike(name: string): string | undefined {
  const all = Intl.supportedValuesOf('timeZone');
  return all.find((zone) => zone.toLowerCase().endsWith(`/${name.toLowerCase()}`)) ?? closestName(name, all);
}

function readFields(given: CrontabFields): CrontabFields {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new ConfigurationError('crontab: expected a crontab line such as "0 3 * * 1-5", or { minute, hour, … }');
  }
  const names = ['second', 'minute', 'hour', 'dayOfMonth', 'monthOfYear', 'dayOfWeek'] as const;
  return readOptions(given, Object.fromEntries(names.map((name) => [name, field])), 'crontab');
}

const field = (value: unknown, where: string): CrontabField => {
  const items = Array.isArray(value) ? value : [value];
  if (items.length > 0 && items.every((item) => typeof item === 'number' || typeof item === 'string')) {
    return value as CrontabField;
  }
  throw new ConfigurationError(`${where}: expected a number, text such as "*/15", or a list of these`);
};
