import {
  ConfigurationError,
  PayloadNotSerializableError,
  PayloadTooLargeError,
  TaskValidationError,
} from '../errors.ts';
import { limits } from '../options/limits.ts';
import type { Checked, MaybePromise, SchemaCodec } from '../options/schema.ts';
import { forbiddenKeys, type JsonValue } from './json.ts';

/** The limit of a payload, and the option that sets it (named in the error). */
export interface SizeLimit {
  readonly bytes: number;
  readonly option: string;
}

/** What a payload belongs to, for its errors. */
export interface PayloadOwner {
  readonly name: string;
  readonly args?: SchemaCodec | undefined;
  readonly kwargs?: SchemaCodec | undefined;
  readonly returns?: SchemaCodec | undefined;
}

/** Arguments as wire JSON: validated and encoded by the task's schema, or checked to be plain JSON. */
export function encodeArgs(
  owner: PayloadOwner,
  args: readonly unknown[],
  limit: SizeLimit,
): MaybePromise<readonly JsonValue[]> {
  if (!Array.isArray(args)) throw noList(owner, args);
  const given = trimTrailingUndefined(args);
  const seal = (value: unknown): readonly JsonValue[] => {
    assertJson(value, 'args', limit, `arguments of task "${owner.name}"`);
    return value as readonly JsonValue[];
  };
  if (!owner.args) return seal(given);
  const unwrap = (checked: Checked) => seal(unwrapChecked(checked, owner.name, 'arguments'));
  const checked = owner.args.encode(given);
  return checked instanceof Promise ? checked.then(unwrap) : unwrap(checked);
}

/** Keyword arguments as wire JSON: by the task's schema, or checked to be plain JSON. */
export function encodeKwargs(
  owner: PayloadOwner,
  kwargs: Readonly<Record<string, unknown>>,
  limit: SizeLimit,
): MaybePromise<Readonly<Record<string, JsonValue>>> {
  const seal = (value: unknown): Readonly<Record<string, JsonValue>> => {
    assertJson(value, 'kwargs', limit, `keyword arguments of task "${owner.name}"`);
    return value as Readonly<Record<string, JsonValue>>;
  };
  if (!owner.kwargs) return seal(kwargs);
  const unwrap = (checked: Checked) => seal(unwrapChecked(checked, owner.name, 'arguments'));
  const checked = owner.kwargs.encode(kwargs);
  return checked instanceof Promise ? checked.then(unwrap) : unwrap(checked);
}

/** The last arguments of a call whose first `open` ones come later: checked as JSON now, by the schema when they meet. */
export function encodeTail(
  owner: PayloadOwner,
  args: readonly unknown[],
  open: number,
  limit: SizeLimit,
): readonly JsonValue[] {
  const encoded = trimTrailingUndefined(args).map((arg, index) => owner.args?.encodePart?.(open + index, arg) ?? arg);
  assertJson(encoded, 'args', limit, `arguments of task "${owner.name}"`);
  return encoded as readonly JsonValue[];
}

/** Arguments as the handler sees them. */
export function decodeArgs(
  owner: PayloadOwner,
  args: readonly JsonValue[],
  taskId: string,
): MaybePromise<readonly unknown[]> {
  if (!owner.args) return args;
  const unwrap = (checked: Checked) => unwrapChecked(checked, owner.name, 'arguments', taskId) as readonly unknown[];
  const checked = owner.args.decode(args);
  return checked instanceof Promise ? checked.then(unwrap) : unwrap(checked);
}

/** A return value as wire JSON; undefined stays undefined (the record then has no value). */
export function encodeResult(
  owner: PayloadOwner,
  value: unknown,
  limit: SizeLimit,
): MaybePromise<JsonValue | undefined> {
  const seal = (encoded: unknown): JsonValue | undefined => {
    if (encoded === undefined) return undefined;
    assertJson(encoded, 'return value', limit, `return value of task "${owner.name}"`);
    return encoded as JsonValue;
  };
  if (!owner.returns) return seal(value);
  const unwrap = (checked: Checked) => seal(unwrapChecked(checked, owner.name, 'return value'));
  const checked = owner.returns.encode(value);
  return checked instanceof Promise ? checked.then(unwrap) : unwrap(checked);
}

/** A return value as the caller sees it. */
export function decodeResult(
  owner: PayloadOwner | undefined,
  value: JsonValue | undefined,
  taskId: string,
): MaybePromise<unknown> {
  if (!owner?.returns) return value;
  const unwrap = (checked: Checked) => unwrapChecked(checked, owner.name, 'return value', taskId);
  const checked = owner.returns.decode(value);
  return checked instanceof Promise ? checked.then(unwrap) : unwrap(checked);
}

/** The values of a task that ran once for each of a list (`map`), as the caller sees them. */
export async function decodeEach(
  owner: PayloadOwner | undefined,
  { value, id }: { readonly value?: JsonValue; readonly id: string },
): Promise<readonly unknown[]> {
  return Promise.all(
    (value as readonly JsonValue[]).map(async (item) => (await decodeResult(owner, item, id)) ?? null),
  );
}

function unwrapChecked(checked: Checked, task: string, what: 'arguments' | 'return value', taskId?: string): unknown {
  if (checked.ok) return checked.value;
  throw new TaskValidationError(task, what, checked.issues, taskId);
}

function noList({ name }: PayloadOwner, given: unknown): ConfigurationError {
  const found = given === null ? 'null' : typeof given;
  return new ConfigurationError(
    `arguments of task "${name}": expected a list, as in applyAsync([2, 3]) and delayMany([[2, 3]]), received ${found}`,
  );
}

/** `add.delay(1, undefined)` means `add.delay(1)`: an optional parameter left out. */
function trimTrailingUndefined(args: readonly unknown[]): readonly unknown[] {
  let length = args.length;
  while (length > 0 && args[length - 1] === undefined) length--;
  return length === args.length ? args : args.slice(0, length);
}

/**
 * Throws unless JSON carries the value unchanged and within the limit. A property that is undefined counts as absent
 * (that is what it means to nearly all code); undefined in an array does not. `-0` arrives as `0`.
 */
export function assertJson(value: unknown, root: string, limit: SizeLimit, what: string): void {
  room = limit.bytes;
  const bound = sizeBound(value, 0);
  if (room < 0) throw tooManyParts(what, limit);
  if (bound < 0) throw explain(value, root, 0) ?? new PayloadNotSerializableError(root, 'not plain data');
  if (bound <= limit.bytes) return;
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes > limit.bytes) throw new PayloadTooLargeError(what, bytes, limit.bytes, limit.option);
}

function tooManyParts(what: string, { bytes, option }: SizeLimit): PayloadTooLargeError {
  return new PayloadTooLargeError(what, Number.POSITIVE_INFINITY, bytes, option);
}

/** Throws for a value of more parts than its text may have bytes, so that no text is begun that could not be ended in time. */
export function assertFewParts(value: unknown, limit: SizeLimit, what: string): void {
  room = limit.bytes;
  countParts(value, 0);
  if (room < 0) throw tooManyParts(what, limit);
}

function countParts(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null || depth > limits.valueDepth) return;
  const parts: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  room -= parts.length;
  for (let index = 0; index < parts.length && room >= 0; index++) countParts(parts[index], depth + 1);
}

/**
 * How many more parts the value under inspection may have: each takes a byte at least, so one with more is over the limit, and is not
 * walked to its end. (28 levels of `[v, v]` are 268 million parts, and `new Array(3e7)` 30 million.)
 */
let room = 0;

/**
 * An upper bound of the value's size as JSON, or -1 when JSON cannot carry it. One walk does both, so that nothing is
 * stringified only to be measured; only payloads whose bound is over the limit are.
 */
function sizeBound(value: unknown, depth: number): number {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? 25 : -1;
    case 'string':
      return value.length * 6 + 2; // a control character takes six bytes as \u0000
    case 'boolean':
      return 5;
    case 'object':
      if (value === null) return 4;
      if (depth > limits.valueDepth) return -1;
      return Array.isArray(value) ? boundOfArray(value, depth) : boundOfObject(value, depth);
    default:
      return -1;
  }
}

function boundOfArray(items: readonly unknown[], depth: number): number {
  let total = 2;
  room -= items.length;
  if (room < 0) return -1;
  for (let index = 0; index < items.length; index++) {
    const bound = sizeBound(items[index], depth + 1);
    if (bound < 0) return -1;
    total += bound + 1;
  }
  return total;
}

function boundOfObject(value: object, depth: number): number {
  if (!isPlain(value)) return -1;
  let total = 2;
  const keys = Object.keys(value);
  room -= keys.length;
  if (room < 0) return -1;
  for (const key of keys) {
    if (forbiddenKeys.has(key)) return -1;
    const item = (value as Record<string, unknown>)[key];
    if (item === undefined) continue;
    const bound = sizeBound(item, depth + 1);
    if (bound < 0) return -1;
    total += bound + key.length * 6 + 4;
  }
  return total;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null) return false;
  return typeof (value as { toJSON?: unknown }).toJSON !== 'function';
}

/** The slow second walk, taken only to name the place of what the first one refused. */
function explain(value: unknown, path: string, depth: number): PayloadNotSerializableError | undefined {
  const found = describe(value, depth);
  if (found) return new PayloadNotSerializableError(path, found);
  for (const [step, item] of partsOf(value)) {
    if (step === '.__proto__') return new PayloadNotSerializableError(path + step, 'a forbidden key');
    const error = explain(item, path + step, depth + 1);
    if (error) return error;
  }
  return undefined;
}

/** The parts of a list or object with the step that leads to each; an absent property is none. */
function partsOf(value: unknown): readonly (readonly [string, unknown])[] {
  if (Array.isArray(value)) return Array.from(value, (item, index) => [`[${index}]`, item]);
  if (typeof value !== 'object' || value === null) return [];
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return entries.map(([key, item]) => [`.${key}`, item]);
}

function describe(value: unknown, depth: number): string | undefined {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? undefined : String(value);
    case 'undefined':
      return 'undefined';
    case 'bigint':
      return 'a bigint';
    case 'function':
      return 'a function';
    case 'symbol':
      return 'a symbol';
    case 'object':
      if (value === null) return undefined;
      if (depth > limits.valueDepth) return `nested deeper than ${limits.valueDepth} levels (or circular)`;
      if (Array.isArray(value) || isPlain(value)) return undefined;
      return `an instance of ${value.constructor?.name || 'an unnamed class'}`;
    default:
      return undefined;
  }
}
