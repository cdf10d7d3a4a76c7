import { ConfigurationError } from '../errors.ts';
import type { JsonValue } from '../message/json.ts';
import { assertJson, type SizeLimit } from '../message/payload-codec.ts';
import { type Duration, type Instant, parseDuration, parseInstant } from '../options/duration.ts';
import { limits } from '../options/limits.ts';
import {
  flag,
  orNull,
  queueName,
  type Reader,
  type ReadOptions,
  readOptions,
  record,
  tagList,
  text,
  wholeNumber,
} from '../options/option-reader.ts';
import {
  callDebounceOption,
  callThrottleOption,
  callUniqueOption,
  type DebounceOptions,
  type ThrottleOptions,
  theOneRule,
  type UniqueOptions,
  type UniqueRule,
} from '../options/unique-rule.ts';
import { checkLimits } from '../task/task-options.ts';

/** The options of one call; each wins over the task's own, which wins over routing, which wins over the app's default. */
export interface CallOptions {
  readonly queue?: string;
  /** 0–9, higher runs sooner. */
  readonly priority?: number;
  /** Run it that long from now; it waits in the broker. */
  readonly countdown?: Duration;
  /** Run it at that moment, never earlier; it waits in the broker. Not together with `countdown`. */
  readonly eta?: Instant;
  /** Do not run it later than that: a duration from now, or a moment. It then ends REVOKED (`expired`). */
  readonly expires?: Duration | Instant;
  /**
   * When the caller stops waiting: a duration from now, or a moment. Not started later, and told by `self.signal` when it
   * runs. `call` sets it from its `timeout`; the nearest wins where both are given.
   */
  readonly deadline?: Duration | Instant;
  /** An id of your own (letters, digits, `_ . ~ -`; not a number): publishing it twice runs it once. */
  readonly taskId?: string;
  /** Calls of a task with the same key are one task; wins over the task's own. Not together with `taskId`. */
  readonly idempotencyKey?: string;
  /** As the task's option, with a text as key; wins over it. `false`: none, also no `debounce` or `throttle` of the task's. */
  readonly unique?: UniqueOptions<string> | boolean;
  readonly debounce?: DebounceOptions<string> | Duration;
  readonly throttle?: ThrottleOptions<string> | Duration;
  /** Arguments by name: for tasks of Python's, or tasks with `params`. */
  readonly kwargs?: Readonly<Record<string, unknown>>;
  /** Fields for the handler and for tools; JSON. */
  readonly headers?: Readonly<Record<string, JsonValue>>;
  /** Fields that a canvas hands on to its members; JSON. */
  readonly stamps?: Readonly<Record<string, JsonValue>>;
  /** Words to find it by in tools, such as `'customer:42'`; added to the task's. At most 20 of 100 characters. */
  readonly tags?: readonly string[];
  readonly timeLimit?: Duration;
  readonly softTimeLimit?: Duration;
  readonly ignoreResult?: boolean;
  readonly maxRetries?: number | null;
  readonly resultExpires?: Duration;
  /** Signatures sent with the value when the call succeeds. */
  readonly link?: Callback | readonly Callback[];
  /** Signatures sent with the failing id when it fails. */
  readonly linkError?: Callback | readonly Callback[];
}

/** A signature, as far as this layer knows it. */
export interface Callback {
  readonly shape: object;
  toJSON(): object;
}

/** Sees and changes the options of a call before its message is built; what it throws refuses the call. */
export type BeforePublish = (
  task: string,
  args: readonly unknown[],
  given: CallOptions | undefined,
) => CallOptions | undefined;

/** {@link CallOptions} with durations in milliseconds and moments in epoch milliseconds. */
export interface ResolvedCallOptions {
  readonly queue?: string;
  readonly priority?: number;
  readonly countdown?: number;
  readonly eta?: number;
  readonly expires?: { readonly after: number } | { readonly at: number };
  readonly deadline?: { readonly after: number } | { readonly at: number };
  readonly taskId?: string;
  readonly idempotencyKey?: string;
  /** From `unique`, `debounce` or `throttle`; false: none. */
  readonly unique?: UniqueRule | false;
  readonly kwargs?: Readonly<Record<string, JsonValue>>;
  readonly headers?: Readonly<Record<string, JsonValue>>;
  readonly stamps?: Readonly<Record<string, JsonValue>>;
  readonly tags?: readonly string[];
  readonly timeLimit?: number;
  readonly softTimeLimit?: number;
  readonly ignoreResult?: boolean;
  readonly maxRetries?: number | null;
  readonly resultExpires?: number;
}

/** An id that a caller gives: throws {@link ConfigurationError} for what cannot be one. */
export const readTaskId: Reader<string> = (value, where) => {
  if (typeof value === 'string' && /^[\w.~-]{1,200}$/.test(value) && !/^\d+$/.test(value)) return value;
  throw new ConfigurationError(
    `${where}: "${String(value)}" cannot be a task id: use letters, digits and _ . ~ - (not only digits)`,
  );
};

/** A moment, or a time from now. */
export const afterOrAt: Reader<{ after: number } | { at: number }> = (value, where) => {
  if (value instanceof Date || (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value))) {
    return { at: parseInstant(value, where) };
  }
  return { after: parseDuration(value, where) };
};

const table = {
  queue: queueName,
  priority: wholeNumber(0, 9),
  countdown: parseDuration,
  eta: parseInstant,
  expires: afterOrAt,
  deadline: afterOrAt,
  taskId: readTaskId,
  idempotencyKey: text,
  unique: callUniqueOption,
  debounce: callDebounceOption,
  throttle: callThrottleOption,
  kwargs: record as Reader<Readonly<Record<string, JsonValue>>>,
  headers: record as Reader<Readonly<Record<string, JsonValue>>>,
  stamps: record as Reader<Readonly<Record<string, JsonValue>>>,
  tags: tagList,
  timeLimit: parseDuration,
  softTimeLimit: parseDuration,
  ignoreResult: flag,
  maxRetries: orNull(wholeNumber(0)),
  resultExpires: parseDuration,
};

/** Of a call without options: most have none. */
export const noCallOptions: ResolvedCallOptions = {};

/**
 * Reads a call's options. Throws {@link ConfigurationError}, {@link PayloadNotSerializableError} and
 * {@link PayloadTooLargeError} (headers and stamps): nothing was sent.
 */
export function resolveCallOptions(
  given: CallOptions | undefined,
  task: string,
  limit: SizeLimit,
): ResolvedCallOptions {
  if (given === undefined) return noCallOptions;
  const where = `call of "${task}"`;
  const all = readOptions(given, table, where);
  const read = (hasRule(all) ? withOneRule(all, where) : all) as ResolvedCallOptions;
  if (read.countdown !== undefined && read.eta !== undefined) {
    throw new ConfigurationError(`${where}: give countdown or eta, not both`);
  }
  if (read.taskId !== undefined && read.idempotencyKey !== undefined) {
    throw new ConfigurationError(`${where}: give taskId or idempotencyKey, not both`);
  }
  checkLimits(read, where);
  if (!(read.headers || read.stamps)) return read;
  const most = { ...limit, bytes: Math.min(limit.bytes, limits.fieldBytes) };
  if (read.headers) assertJson(read.headers, 'headers', most, `headers of a call of task "${task}"`);
  if (read.stamps) assertJson(read.stamps, 'stamps', most, `stamps of a call of task "${task}"`);
  return read;
}

type ReadCallOptions = ReadOptions<typeof table>;

function hasRule({ unique, debounce, throttle }: ReadCallOptions): boolean {
  return unique !== undefined || debounce !== undefined || throttle !== undefined;
}

function withOneRule(all: ReadCallOptions, where: string): object {
  const { unique: _unique, debounce: _debounce, throttle: _throttle, ...read } = all;
  return { ...read, unique: theOneRule<UniqueRule | false>(all, where) };
}
