import { ConfigurationError } from '../errors.ts';
import { type OptionTable, type Reader, readOptions, wholeNumber } from './option-reader.ts';
import type { KeyFunction } from './unique-rule.ts';

/** At most so many attempts at once, over all workers. */
export interface ConcurrencyOptions {
  /** Attempts with the same key share the places; undefined: this call is not limited. @default one key for the whole task */
  readonly key?: KeyFunction;
  /** How many of one key run at once, from 1. */
  readonly limit: number;
}

/** Many tenants in one queue get equal shares, however much each has waiting. */
export interface FairnessOptions {
  /** The tenant; undefined: this call goes straight to the queue. */
  readonly key: KeyFunction;
  /** A tenant of weight 2 gets twice the share of one of weight 1; from 0.001 to 1000. @default () => 1 */
  readonly weight?: (key: string) => number;
  /**
   * How many messages of all tenants together stand ready in the queue at once; the others are held. A tenant that comes
   * anew waits behind so many at most. Too few, and workers that are many and fast run dry. @default 100
   */
  readonly window?: number;
}

/** {@link FairnessOptions} with its defaults. */
export interface ResolvedFairness extends FairnessOptions {
  readonly window: number;
}

/** What an ordering key does when one of its tasks has failed: the next one runs, or nothing does. */
export type OrderingPolicy = 'continue' | 'halt';

const defaultWindow = 100;

/** Reads a key function. */
export const keyFunction: Reader<KeyFunction> = (value, where) => {
  if (typeof value === 'function') return value as KeyFunction;
  throw new ConfigurationError(`${where}: expected a function of the arguments that gives a text`);
};

const weightFunction: Reader<(key: string) => number> = (value, where) => {
  if (typeof value === 'function') return value as (key: string) => number;
  throw new ConfigurationError(`${where}: expected a function of the key that gives a number`);
};

/** Reads the option `concurrency`. */
export const concurrency: Reader<ConcurrencyOptions> = (value, where) => {
  const read = readGroup(value, { key: keyFunction, limit: wholeNumber(1, 1_000_000) }, where);
  if (read.limit === undefined) throw new ConfigurationError(`${where}: the limit is missing: how many run at once`);
  return { limit: read.limit, ...(read.key ? { key: read.key } : {}) };
};

/** Reads the option `fairness`. */
export const fairness: Reader<ResolvedFairness> = (value, where) => {
  const table = { key: keyFunction, weight: weightFunction, window: wholeNumber(1, 1_000_000) };
  const { key, weight, window = defaultWindow } = readGroup(value, table, where);
  if (key === undefined) throw new ConfigurationError(`${where}: the key is missing: a function that gives the tenant`);
  return { key, window, ...(weight ? { weight } : {}) };
};

function readGroup<T extends OptionTable>(value: unknown, table: T, where: string): ReturnType<typeof readOptions<T>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return readOptions(value, table, where);
  throw new ConfigurationError(`${where}: expected an object with ${Object.keys(table).join(', ')}`);
}
