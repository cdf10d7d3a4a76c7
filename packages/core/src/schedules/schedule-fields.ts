import { ConfigurationError } from '../errors.ts';
import { canCome, type DayFields } from './schedule-days.ts';

/** The fields of a crontab under Celery's names. A field is a number, text such as `1-5`, `mon,fri`, or a list of these. */
export interface CrontabFields {
  /** 0–59. @default 0 */
  readonly second?: CrontabField;
  /** 0–59. @default '*' */
  readonly minute?: CrontabField;
  /** 0–23. @default '*' */
  readonly hour?: CrontabField;
  /** 1–31, or `L` for the last. @default '*' */
  readonly dayOfMonth?: CrontabField;
  /** 1–12 or names. @default '*' */
  readonly monthOfYear?: CrontabField;
  /** 0–7 (0 and 7 are Sunday) or names; `fri#2` is the second Friday of the month, `fri#L` the last. @default '*' */
  readonly dayOfWeek?: CrontabField;
}

/** One field, as given. */
export type CrontabField = number | string | readonly (number | string)[];

interface FieldRule {
  readonly label: string;
  readonly min: number;
  readonly max: number;
  /** Full names, from `min` on; the first three letters are enough. */
  readonly names?: readonly string[];
  /** What is taken beside numbers, as croner reads it. */
  readonly special?: RegExp;
  readonly hint?: string;
}

const months = 'january,february,march,april,may,june,july,august,september,october,november,december'.split(',');
const days = 'sunday,monday,tuesday,wednesday,thursday,friday,saturday'.split(',');

/** In the order of a crontab line with seconds. */
const rules: Readonly<Record<keyof CrontabFields, FieldRule>> = {
  second: { label: 'second', min: 0, max: 59 },
  minute: { label: 'minute', min: 0, max: 59 },
  hour: { label: 'hour', min: 0, max: 23 },
  dayOfMonth: { label: 'day of month', min: 1, max: 31, special: /^L$/i, hint: 'L (the last day)' },
  monthOfYear: { label: 'month', min: 1, max: 12, names: months, hint: 'names (jan–dec)' },
  dayOfWeek: {
    label: 'day of week',
    min: 0,
    max: 7,
    names: days,
    special: /^([0-7]|[a-z]{3,})#([1-5]|L)$/i,
    hint: 'names (sun–sat), fri#2, fri#L',
  },
};

const order = Object.keys(rules) as (keyof CrontabFields)[];

const nicknames: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** Reads a crontab line of 5 fields, or 6 with seconds first. Throws {@link ConfigurationError} naming the field. */
export function parseCrontab(line: string): string {
  const parts = (nicknames[line.trim().toLowerCase()] ?? line).trim().split(/\s+/);
  const where = `crontab "${line}"`;
  if (parts.length !== 5 && parts.length !== 6) {
    throw new ConfigurationError(
      `${where}: expected 5 fields (minute, hour, day of month, month, day of week), or 6 with seconds first, ` +
        `received ${parts[0] === '' ? 0 : parts.length}`,
    );
  }
  const names = parts.length === 6 ? order : order.slice(1);
  return composeCrontab(Object.fromEntries(names.map((name, index) => [name, parts[index] as string])), where);
}

/** The crontab line of these fields, spelled as croner reads it. Throws {@link ConfigurationError} naming the field. */
export function composeCrontab(fields: CrontabFields, where = 'crontab'): string {
  const texts = order.map((name) => {
    const given = fields[name] ?? (name === 'second' ? 0 : '*');
    return readField(given, rules[name], where);
  });
  const [dayOfMonth, month, dayOfWeek] = texts.slice(3) as [string, string, string];
  refuseDaysThatNeverCome({ dayOfMonth, month, dayOfWeek }, where);
  return (texts[0] === '0' ? texts.slice(1) : texts).join(' ');
}

function readField(given: CrontabField, rule: FieldRule, where: string): string {
  const texts = (Array.isArray(given) ? given : [given]).flatMap((item: unknown) => String(item).split(','));
  return texts.map((text) => readPart(text.trim(), rule, where)).join(',');
}

function readPart(text: string, rule: FieldRule, where: string): string {
  if (rule.special?.test(text)) return specialPart(text, rule, where);
  const match = /^(?:(\*)|([\da-z]+)(?:-([\da-z]+))?)(?:\/(\d+))?$/i.exec(text);
  if (!match) throw wrongPart(text, rule, where);
  const [, star, from, to, step] = match;
  const everyNth = step === undefined ? undefined : Number(step);
  const span = rule.names === days ? 7 : rule.max - rule.min + 1;
  if (everyNth !== undefined && (everyNth < 1 || everyNth > span || (!star && to === undefined))) {
    throw wrongPart(text, rule, where);
  }
  if (star) return text;
  const first = numberOf(from as string, text, rule, where);
  if (to === undefined) return String(first);
  return rangePart(first, numberOf(to, text, rule, where), everyNth, rule);
}

/** `fri-mon` and `22-2` go round the end, as in Celery; cron has no such ranges, so they become two, or a list. */
function rangePart(first: number, last: number, step: number | undefined, rule: FieldRule): string {
  const suffix = step === undefined ? '' : `/${step}`;
  const top = rule.names === days ? 6 : rule.max;
  const start = first > last && first > top ? rule.min : first;
  if (start <= last) return `${start}-${last}${suffix}`;
  if (step === undefined) return `${start}-${top},${rule.min}-${last}`;
  const round: number[] = [];
  for (let value = start; value <= top; value += 1) round.push(value);
  for (let value = rule.min; value <= last; value += 1) round.push(value);
  return round.filter((_, index) => index % step === 0).join(',');
}

function specialPart(text: string, rule: FieldRule, where: string): string {
  const [day, nth] = text.split('#');
  return nth === undefined ? 'L' : `${numberOf(day as string, text, rule, where)}#${nth.toUpperCase()}`;
}

function numberOf(text: string, part: string, rule: FieldRule, where: string): number {
  const lower = text.toLowerCase();
  const named = text.length < 3 ? -1 : (rule.names ?? []).findIndex((name) => name.startsWith(lower));
  const value = named >= 0 ? named + rule.min : /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= rule.min && value <= rule.max) return value;
  throw wrongPart(part, rule, where);
}

function wrongPart(text: string, rule: FieldRule, where: string): ConfigurationError {
  const { label, min, max, hint } = rule;
  const more = hint ? `, ${hint}` : '';
  return new ConfigurationError(
    `${where}: ${label}: "${text}" cannot be: allowed are ${min}–${max}, lists (1,5), ranges (1-5), ` +
      `steps (*/2, 1-9/2)${more}`,
  );
}

/** `31 2` is a line that never fires: better said where it is written. */
function refuseDaysThatNeverCome(days: DayFields, where: string): void {
  if (canCome(days)) return;
  const { dayOfMonth, month, dayOfWeek } = days;
  const weekday = dayOfWeek === '*' ? '' : ` and day of week "${dayOfWeek}"`;
  throw new ConfigurationError(
    `${where}: day of month: "${dayOfMonth}"${weekday} never comes in month ${month}: all three fields must fit the same day`,
  );
}
