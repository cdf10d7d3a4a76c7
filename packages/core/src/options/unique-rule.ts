import { ConfigurationError } from '../errors.ts';
import { type Duration, parseDuration } from './duration.ts';
import { oneOf, type Reader, readOptions } from './option-reader.ts';
import { isName } from './well-formed.ts';

/** Makes a key of a call's arguments, as they go over the wire; undefined: no key. */
// biome-ignore lint/suspicious/noExplicitAny: the arguments are the handler's, which these options do not know
export type KeyFunction = (args: readonly any[]) => string | undefined;

/** While one task with a key is there, another call with that key sends none. */
export interface UniqueOptions<Key = KeyFunction> {
  /** What must be unique. @default all arguments */
  readonly key?: Key;
  /**
   * How long the key is held: `queued` until its task starts, `running` until it has ended, retries included, `window` for
   * a time, however the task fares. @default 'running'
   */
  readonly scope?: 'queued' | 'running' | 'window';
  /** How long, for `scope: 'window'`. */
  readonly window?: Duration;
  /**
   * What a call gets while the key is held: `reuse` the result of the task that is there, `reject` a
   * {@link TaskNotUniqueError}. With `replace` the new task takes the place of one that waits, which ends REVOKED
   * (`replaced`); one that runs is left alone, and with `scope: 'running'` the new one waits for its end. @default 'reuse'
   */
  readonly onConflict?: 'reuse' | 'reject' | 'replace';
}

/** Of calls with one key that follow each other closely, only the last runs. */
export interface DebounceOptions<Key = KeyFunction> {
  /** How long it must be quiet before the last one runs. */
  readonly period: Duration;
  /** Runs that long after the first call although it is not quiet. @default none */
  readonly timeout?: Duration;
  /** Which calls belong together. @default those with the same arguments */
  readonly key?: Key;
}

/** Of calls with one key, only the first in each period runs; the others get its result. */
export interface ThrottleOptions<Key = KeyFunction> {
  /** From the call that runs to the next one that may. */
  readonly period: Duration;
  /** Which calls belong together. @default those with the same arguments */
  readonly key?: Key;
}

/** {@link UniqueOptions}, {@link DebounceOptions} or {@link ThrottleOptions}, read. */
export interface UniqueRule {
  readonly key: KeyFunction | string | undefined;
  readonly scope: 'queued' | 'running' | 'window';
  /** Milliseconds; 0 without. */
  readonly window: number;
  readonly onConflict: 'reuse' | 'reject' | 'replace';
  /** Milliseconds. */
  readonly debounce?: { readonly period: number; readonly timeout: number };
}

const key: Reader<KeyFunction | string> = (value, where) => {
  if (typeof value === 'function') return value as KeyFunction;
  if (isName(value)) return value;
  throw new ConfigurationError(
    `${where}: expected a function of the arguments that gives a text, or a non-empty, well-formed text`,
  );
};

const period: Reader<number> = (value, where) => {
  const ms = parseDuration(value, where);
  if (ms > 0) return ms;
  throw new ConfigurationError(`${where}: expected a time above 0`);
};

const tables = {
  unique: {
    key,
    scope: oneOf('queued', 'running', 'window'),
    window: period,
    onConflict: oneOf('reuse', 'reject', 'replace'),
  },
  debounce: { period, timeout: period, key },
  throttle: { period, key },
};

/** Reads the option `unique`; `true` is the same as `{}`. */
export const uniqueOption: Reader<UniqueRule> = (value, where) => {
  const read = readOptions(value === true ? {} : asObject(value, where, 'true or an object'), tables.unique, where);
  const { scope = 'running', onConflict = 'reuse', window = 0 } = read;
  if (scope === 'window' && window === 0) throw new ConfigurationError(`${where}: scope "window" needs a window`);
  if (scope !== 'window' && window > 0) throw new ConfigurationError(`${where}: a window needs scope: 'window'`);
  if (scope === 'window' && onConflict === 'replace') {
    throw new ConfigurationError(
      `${where}: a window cannot replace, since its task may have run: use debounce, or scope: 'queued'`,
    );
  }
  return { key: read.key, scope, window, onConflict };
};

/** Reads the option `debounce`; a duration is its period. */
export const debounceOption: Reader<UniqueRule> = (value, where) => {
  const read = readOptions(timed(value, where), tables.debounce, where);
  if (read.period === undefined) throw new ConfigurationError(`${where}: the period is missing`);
  const { timeout = Number.POSITIVE_INFINITY } = read;
  if (timeout < read.period)
    throw new ConfigurationError(`${where}: timeout (${timeout} ms) is below period (${read.period} ms)`);
  const debounce = { period: read.period, timeout };
  return { key: read.key, scope: 'queued', window: 0, onConflict: 'replace', debounce };
};

/** Reads the option `throttle`; a duration is its period. */
export const throttleOption: Reader<UniqueRule> = (value, where) => {
  const read = readOptions(timed(value, where), tables.throttle, where);
  if (read.period === undefined) throw new ConfigurationError(`${where}: the period is missing`);
  return { key: read.key, scope: 'window', window: read.period, onConflict: 'reuse' };
};

/** As a call's option: the key is a text, since the arguments are at hand; `false` switches the task's own off. */
export const callUniqueOption: Reader<UniqueRule | false> = (value, where) =>
  value === false ? false : withTextKey(uniqueOption(value, where), where);
export const callDebounceOption: Reader<UniqueRule> = (value, where) =>
  withTextKey(debounceOption(value, where), where);
export const callThrottleOption: Reader<UniqueRule> = (value, where) =>
  withTextKey(throttleOption(value, where), where);

/** Of `unique`, `debounce` and `throttle` one is given, or none. */
export function theOneRule<T extends UniqueRule | false>(
  given: { readonly unique?: T; readonly debounce?: T; readonly throttle?: T },
  where: string,
): T | undefined {
  const names = (['unique', 'debounce', 'throttle'] as const).filter((name) => given[name] !== undefined);
  if (names.length > 1) throw new ConfigurationError(`${where}: give one of ${names.join(' and ')}, not both`);
  return names[0] && given[names[0]];
}

function withTextKey(rule: UniqueRule, where: string): UniqueRule {
  if (typeof rule.key !== 'function') return rule;
  throw new ConfigurationError(`${where}: the key of a call is a text: its arguments are at hand`);
}

function timed(value: unknown, where: string): object {
  if (typeof value === 'number' || typeof value === 'string') return { period: value };
  return asObject(value, where, 'a duration, or an object with a period');
}

function asObject(value: unknown, where: string, expected: string): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new ConfigurationError(`${where}: expected ${expected}`);
}

/** What a message says of the keys that its task holds. */
export interface MessageUniqueKeys {
  /** Freed when the task starts. */
  readonly queued?: string;
  /** It is not started when another task has taken the `queued` key from it. */
  readonly replaceable?: boolean;
  /** Held while it runs: taken before, freed when it has ended. */
  readonly running?: string;
}
