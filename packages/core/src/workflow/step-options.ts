import { ConfigurationError } from '../errors.ts';
import { type Duration, parseDuration } from '../options/duration.ts';
import { flag, type Reader, readOptions, wholeNumber } from '../options/option-reader.ts';

/** Options of `w.step` and `w.compensate`. */
export interface StepOptions {
  /** How many attempts may follow the first; they are counted across crashes. @default 0; 10 for compensations */
  readonly retries?: number;
  /** The wait before the first retry; it doubles each time. Waits beyond the workflow's `parkAfter` hold no worker. @default '1s' */
  readonly backoff?: Duration;
  /** The longest wait. @default '10m' */
  readonly backoffMax?: Duration;
  /** An attempt that takes longer fails with {@link StepTimeoutError}, and its signal aborts. @default none */
  readonly timeout?: Duration;
  /** Which errors are retried. @default all */
  readonly retryIf?: (error: unknown) => boolean;
  /** Record that an attempt begins, one write more: after a crash the step sees `startedBefore`. @default false */
  readonly recordStart?: boolean;
}

/** {@link StepOptions} with defaults; milliseconds. */
export interface ResolvedStepOptions {
  readonly retries: number;
  readonly backoff: number;
  readonly backoffMax: number;
  readonly timeout: number | undefined;
  readonly retryIf: (error: unknown) => boolean;
  readonly recordStart: boolean;
}

const predicate: Reader<(error: unknown) => boolean> = (value, where) => {
  if (typeof value === 'function') return value as (error: unknown) => boolean;
  throw new ConfigurationError(`${where}: expected a function of the error`);
};

const table = {
  retries: wholeNumber(0, 1_000),
  backoff: parseDuration,
  backoffMax: parseDuration,
  timeout: parseDuration,
  retryIf: predicate,
  recordStart: flag,
};

const defaults: ResolvedStepOptions = {
  retries: 0,
  backoff: 1_000,
  backoffMax: 600_000,
  timeout: undefined,
  retryIf: () => true,
  recordStart: false,
};

/** Reads the options. Throws {@link ConfigurationError}. */
export function readStepOptions(given: StepOptions | undefined, where: string, retries = 0): ResolvedStepOptions {
  if (given === undefined) return retries === 0 ? defaults : { ...defaults, retries };
  return { ...defaults, retries, ...readOptions(given, table, where) };
}
