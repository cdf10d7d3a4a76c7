import { ConfigurationError } from '../errors.ts';
import type { JsonValue } from '../message/json.ts';
import { type Duration, parseDuration, parseRate, type Rate } from '../options/duration.ts';
import {
  type ConcurrencyOptions,
  concurrency,
  type FairnessOptions,
  fairness,
  keyFunction,
  type OrderingPolicy,
  type ResolvedFairness,
} from '../options/flow-options.ts';
import { limits } from '../options/limits.ts';
import {
  flag,
  type OptionTable,
  oneOf,
  orNull,
  queueName,
  type Reader,
  type ReadOptions,
  readOptions,
  tagList,
  taskName,
  text,
  wholeNumber,
} from '../options/option-reader.ts';
import type { Schema } from '../options/schema.ts';
import {
  type DebounceOptions,
  debounceOption,
  type KeyFunction,
  type ThrottleOptions,
  theOneRule,
  throttleOption,
  type UniqueOptions,
  type UniqueRule,
  uniqueOption,
} from '../options/unique-rule.ts';
import type { BackoffFunction, ErrorMatcher, RetryPolicy } from './retry-policy.ts';

/**
 * Task options that plugins bring. A plugin declares the types of its own by merging into this interface:
 * `declare module 'lovage' { interface PluginTaskOptions { readonly tenant?: string } }`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: plugins merge their options into it
export interface PluginTaskOptions {}

/** The options of a task, as given. Names and defaults are Celery's where Celery has them. */
export interface TaskOptions extends PluginTaskOptions {
  /** The task's name on the wire. Explicit, since bundlers rename functions. */
  readonly name: string;
  /** A schema of the argument tuple: zod 4 or any Standard Schema. Checked before sending and again in the worker. */
  readonly args?: Schema;
  /**
   * The names of its parameters, in order: a call with keyword arguments (Python's, or `kwargs` of a call) has each placed by its
   * name. @default none: keyword arguments are refused
   */
  readonly params?: readonly string[];
  /** A schema of the keyword arguments, for stubs of tasks that take them (`app.remote`). Checked before sending. @default none */
  readonly kwargs?: Schema;
  /** A schema of the return value. */
  readonly returns?: Schema;
  /** Give the handler its {@link TaskContext} as the first parameter. @default false */
  readonly bind?: boolean;
  /** @default 'default', or what a routing rule says */
  readonly queue?: string;
  /** 0–9, higher runs sooner. @default 0 */
  readonly priority?: number;
  /** How many retries may follow the first attempt; null for no limit. @default 3 */
  readonly maxRetries?: number | null;
  /** Wait before a retry without backoff. @default '3m' */
  readonly defaultRetryDelay?: Duration;
  /** Error classes, or predicates over what was thrown, that are retried without asking. @default [] */
  readonly autoretryFor?: readonly ErrorMatcher[];
  /** Exceptions from `autoretryFor`. @default [] */
  readonly dontAutoretryFor?: readonly ErrorMatcher[];
  /** Base of an exponential backoff: a duration, or true for one second; or a function that says each wait. @default false */
  readonly retryBackoff?: boolean | Duration | BackoffFunction;
  /** The longest backoff. @default '10m' */
  readonly retryBackoffMax?: Duration;
  /** Draw each backoff from 0 to its full length, so that failures spread out. @default true */
  readonly retryJitter?: boolean;
  /** A task whose worker was lost is started again (at least once). False: it is never started twice, and fails with
   * {@link WorkerLostError} instead (at most once). @default true */
  readonly acksLate?: boolean;
  /** Store no result; `get()` yields undefined at once. @default false */
  readonly ignoreResult?: boolean;
  /** How long a result is kept. @default the app's `resultExpires` */
  readonly resultExpires?: Duration;
  /** Record the state STARTED when an attempt begins: one more write per task. @default false */
  readonly trackStarted?: boolean;
  /** Hard limit: the attempt ends with {@link TimeLimitExceeded}. @default none */
  readonly timeLimit?: Duration;
  /** Soft limit: `self.signal` aborts with {@link SoftTimeLimitExceeded}. @default none */
  readonly softTimeLimit?: Duration;
  /** At most so many starts, over all workers: `'10/s'`, `'100/m'`, `'5/h'`; a number means per second. Spaced evenly. @default none */
  readonly rateLimit?: number | string;
  /** A call that has waited longer is not run, and ends REVOKED (`expired`). @default none */
  readonly expires?: Duration;
  /** Where its handler runs: on the worker's event loop, or one at a time in a thread or process. @default the worker's */
  readonly pool?: 'async' | 'threads' | 'processes';
  /**
   * A key of the arguments, as they go over the wire. Calls with the same key are one task: they get the same id back for as
   * long as its result is kept (`resultExpires`), also after it has ended, and it runs once. undefined: no key. @default none
   */
  readonly idempotencyKey?: KeyFunction;
  /** One task per key at a time: while one is there, a call is answered with it, refused, or replaces it; `true`: all
   * arguments are the key. Not for tasks in a canvas. @default none */
  readonly unique?: UniqueOptions | true;
  /** Run only the last of calls that follow each other closely; a duration is its `period`. @default none */
  readonly debounce?: DebounceOptions | Duration;
  /** Run only the first call in each period; a duration is its `period`. @default none */
  readonly throttle?: ThrottleOptions | Duration;
  /** At most so many attempts at once, over all workers; calls beyond them wait in the broker. @default none */
  readonly concurrency?: ConcurrencyOptions;
  /**
   * Calls with the same key run one at a time and in the order in which they were sent, across retries and lost workers.
   * The next one begins when the one before it has ended. undefined: this call is not ordered. @default none
   */
  readonly orderingKey?: KeyFunction;
  /** What a call that FAILED does to its ordering key. `halt`: the key stays closed until it is resumed. @default 'continue' */
  readonly orderingPolicy?: OrderingPolicy;
  /** Equal shares of the queue for many tenants. @default none: first come first served */
  readonly fairness?: FairnessOptions;
  /** Recorded on each message, for handlers that must tell old calls from new. @default none */
  readonly version?: string;
  /** Words to find its calls by in tools, such as `'billing'`; a call may add some. At most 20 of 100 characters. @default none */
  readonly tags?: readonly string[];
  /** Called on the worker when the task ended as SUCCESS. What it throws is logged and changes nothing. */
  readonly onSuccess?: (task: EndedTask & { readonly value: JsonValue | undefined }) => unknown;
  /** Called on the worker when the task ended as FAILURE, with what was thrown. What it throws is logged. */
  readonly onFailure?: (task: EndedTask & { readonly error: unknown }) => unknown;
  /** Called on the worker when a retry was asked for; `at` in epoch ms. What it throws is logged. */
  readonly onRetry?: (task: EndedTask & { readonly error: unknown; readonly at: number }) => unknown;
  /** Called on the worker when an attempt ended by its hard time limit, before `onFailure`. What it throws is logged. */
  readonly onTimeout?: (task: EndedTask & { readonly error: unknown }) => unknown;
}

/** The attempt that a task's own callbacks are told of. */
export interface EndedTask {
  readonly id: string;
  /** The task's name. */
  readonly task: string;
  readonly queue: string;
  readonly args: readonly JsonValue[];
  /** 1 for the first run. */
  readonly attempt: number;
  readonly headers: Readonly<Record<string, JsonValue>>;
  /** The worker's name. */
  readonly worker: string;
}

/** The callbacks of a task. */
export type TaskCallbacks = Pick<TaskOptions, 'onSuccess' | 'onFailure' | 'onRetry' | 'onTimeout'>;

/** Resolved options: durations in milliseconds, defaults filled in. */
export interface ResolvedTaskOptions extends RetryPolicy {
  /** Absent: routing decides, then the app's default. */
  readonly queue?: string;
  readonly priority?: number;
  readonly acksLate: boolean;
  readonly ignoreResult?: boolean;
  readonly resultExpires?: number;
  readonly trackStarted: boolean;
  readonly timeLimit?: number;
  readonly softTimeLimit?: number;
  readonly rateLimit?: Rate;
  readonly pool?: 'async' | 'threads' | 'processes';
  readonly expires?: number;
  readonly idempotencyKey?: KeyFunction;
  /** From `unique`, `debounce` or `throttle`. */
  readonly unique?: UniqueRule;
  readonly concurrency?: ConcurrencyOptions;
  readonly orderingKey?: KeyFunction;
  readonly orderingPolicy: OrderingPolicy;
  readonly fairness?: ResolvedFairness;
  /** It has a concurrency key, an ordering key or a fair share: whatever has none pays this one comparison. */
  readonly acquired: boolean;
  readonly version?: string;
  readonly tags?: readonly string[];
  readonly params?: readonly string[];
  readonly bind: boolean;
  /** undefined: it has none. */
  readonly callbacks?: TaskCallbacks;
  /** The options that plugins brought. */
  readonly plugin: PluginTaskOptions;
}

const schema: Reader<Schema> = (value, where) => {
  const standard = (value as Partial<Schema> | null)?.['~standard'];
  if (typeof standard?.validate === 'function') return value as Schema;
  throw new ConfigurationError(`${where}: expected a zod schema, or another Standard Schema`);
};

const matchers: Reader<readonly ErrorMatcher[]> = (value, where) => {
  if (Array.isArray(value) && value.every((item) => typeof item === 'function')) return value;
  throw new ConfigurationError(`${where}: expected a list of error classes or predicates`);
};

const backoff: Reader<number | false | BackoffFunction> = (value, where) => {
  if (typeof value === 'function') return value as BackoffFunction;
  if (value === true) return 1000;
  return value === false ? false : parseDuration(value, where);
};

const callback: Reader<(task: never) => unknown> = (value, where) => {
  if (typeof value === 'function') return value as (task: never) => unknown;
  throw new ConfigurationError(`${where}: expected a function`);
};

const callbackNames = ['onSuccess', 'onFailure', 'onRetry', 'onTimeout'] as const;

const names: Reader<readonly string[]> = (value, where) => {
  if (
    Array.isArray(value) &&
    value.every((name) => typeof name === 'string' && name !== '') &&
    new Set(value).size === value.length
  )
    return value;
  throw new ConfigurationError(`${where}: expected a list of parameter names, each once, such as ["x", "y"]`);
};

const table = {
  name: taskName,
  args: schema,
  kwargs: schema,
  params: names,
  returns: schema,
  bind: flag,
  queue: queueName,
  priority: wholeNumber(0, 9),
  maxRetries: orNull(wholeNumber(0)),
  defaultRetryDelay: parseDuration,
  autoretryFor: matchers,
  dontAutoretryFor: matchers,
  retryBackoff: backoff,
  retryBackoffMax: parseDuration,
  retryJitter: flag,
  acksLate: flag,
  ignoreResult: flag,
  resultExpires: parseDuration,
  trackStarted: flag,
  timeLimit: parseDuration,
  softTimeLimit: parseDuration,
  rateLimit: parseRate,
  pool: oneOf('async', 'threads', 'processes'),
  expires: parseDuration,
  idempotencyKey: keyFunction,
  unique: uniqueOption,
  debounce: debounceOption,
  throttle: throttleOption,
  concurrency,
  orderingKey: keyFunction,
  orderingPolicy: oneOf('continue', 'halt'),
  fairness,
  version: text,
  tags: tagList,
  onSuccess: callback,
  onFailure: callback,
  onRetry: callback,
  onTimeout: callback,
};

/** Whether every app has a task option of this name. */
export function isTaskOption(name: string): boolean {
  return Object.hasOwn(table, name);
}

/** What {@link resolveTaskOptions} found. */
export interface ReadTaskOptions {
  readonly name: string;
  readonly args?: Schema;
  readonly kwargs?: Schema;
  readonly returns?: Schema;
  readonly options: ResolvedTaskOptions;
}

/** Reads a task's options once, at its definition. Throws {@link ConfigurationError}. */
export function resolveTaskOptions(given: string | TaskOptions, plugins: OptionTable = {}): ReadTaskOptions {
  const raw = typeof given === 'string' ? { name: given } : given;
  if (typeof raw !== 'object' || raw === null) {
    throw new ConfigurationError('app.task: the first parameter is the task name, or an object of options with a name');
  }
  const where = typeof raw.name === 'string' ? `task "${raw.name.slice(0, limits.taskName)}"` : 'app.task';
  const [read, plugin] = readBoth(raw, plugins, where);
  if (read.name === undefined)
    throw new ConfigurationError('app.task: the option name is missing: task names are explicit strings');
  checkLimits(read, where);
  if (read.orderingPolicy !== undefined && read.orderingKey === undefined) {
    throw new ConfigurationError(`${where}: orderingPolicy says what happens to an orderingKey, and there is none`);
  }
  const { name, args, kwargs, returns, unique: _unique, debounce: _debounce, throttle: _throttle, ...rest } = read;
  const callbacks = callbacksOf(read);
  const unique = theOneRule(read, where);
  if (unique?.debounce && rest.idempotencyKey) {
    throw new ConfigurationError(
      `${where}: debounce sends each call under an id of its own: no idempotencyKey with it`,
    );
  }
  return {
    name,
    ...(args ? { args } : {}),
    ...(kwargs ? { kwargs } : {}),
    ...(returns ? { returns } : {}),
    options: {
      ...defaults,
      ...(rest as Partial<ResolvedTaskOptions>),
      ...(unique ? { unique } : {}),
      ...(callbacks ? { callbacks } : {}),
      plugin,
      acquired: [rest.concurrency, rest.orderingKey, rest.fairness].some((option) => option !== undefined),
    },
  };
}

const defaults: ResolvedTaskOptions = {
  maxRetries: 3,
  defaultRetryDelay: 180_000,
  autoretryFor: [],
  dontAutoretryFor: [],
  retryBackoff: false,
  retryBackoffMax: 600_000,
  retryJitter: true,
  acksLate: true,
  trackStarted: false,
  orderingPolicy: 'continue',
  acquired: false,
  bind: false,
  plugin: {},
};

/** The options that every app has, and those of its plugins. */
function readBoth(
  raw: TaskOptions,
  plugins: OptionTable,
  where: string,
): readonly [ReadOptions<typeof table>, PluginTaskOptions] {
  const read: Record<string, unknown> = readOptions(raw, { ...table, ...plugins }, where);
  const own = Object.keys(read).filter((name) => Object.hasOwn(plugins, name));
  const plugin = Object.fromEntries(own.map((name) => [name, read[name]]));
  for (const name of own) delete read[name];
  return [read as ReadOptions<typeof table>, plugin];
}

/** The callbacks as one object, so that a task without any costs its worker one comparison. */
function callbacksOf(read: Readonly<Record<string, unknown>>): TaskCallbacks | undefined {
  const given = callbackNames.filter((name) => read[name] !== undefined);
  return given.length > 0 ? Object.fromEntries(given.map((name) => [name, read[name]])) : undefined;
}

/** A soft limit that never comes before the hard one is a mistake, found where it is made. */
export function checkLimits(
  { timeLimit, softTimeLimit }: { readonly timeLimit?: number; readonly softTimeLimit?: number },
  where: string,
): void {
  if (timeLimit !== undefined && softTimeLimit !== undefined && softTimeLimit > timeLimit) {
    throw new ConfigurationError(`${where}: softTimeLimit (${softTimeLimit} ms) is above timeLimit (${timeLimit} ms)`);
  }
}
