import { TaskFailedError, WorkerLostError } from '../errors.ts';
import { forbiddenKeys, type JsonValue } from './json.ts';
import { jsonSafe } from './json-safe.ts';

/** An error as data: what crosses the wire. */
export interface Failure {
  /** The error's class name. */
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** The error's own JSON-safe fields, such as `code` or `status`. */
  readonly data?: { readonly [key: string]: JsonValue };
  readonly cause?: Failure;
}

/** A class whose errors come back as themselves. */
export type ErrorClass = abstract new (...args: never[]) => Error;

/** Longest chain of causes, longest stack or message, longest name and most fields that are kept. */
const maxCauses = 8;
const maxText = 16_384;
const maxName = 200;
const maxFields = 50;

/** Any thrown value as a failure: never throws, whatever was thrown. */
export function toFailure(thrown: unknown, depth = 0): Failure {
  if (!isError(thrown)) return { name: 'NonError', message: describeThrown(thrown) };
  const data = dataOf(thrown);
  const stack = readText(thrown, 'stack');
  const cause = depth < maxCauses ? readField(thrown, 'cause') : undefined;
  return {
    name: nameOf(thrown).slice(0, maxName) || 'Error',
    message: clip(readText(thrown, 'message')),
    ...(stack ? { stack: clip(stack) } : {}),
    ...(data ? { data } : {}),
    ...(cause === undefined ? {} : { cause: toFailure(cause, depth + 1) }),
  };
}

/** Also errors of other realms (`node:vm`), which are no instances of this one's Error. */
function isError(thrown: unknown): thrown is Error {
  try {
    return thrown instanceof Error || Object.prototype.toString.call(thrown) === '[object Error]';
  } catch {
    return false; // a proxy that refuses to say
  }
}

/** Names that a class of the user's inherits when it sets none of its own. */
const builtInNames: ReadonlySet<string> = new Set(
  'Error,AggregateError,EvalError,RangeError,ReferenceError,SyntaxError,TypeError,URIError'.split(','),
);
/** Minifiers rename classes: a name this short says less than the built-in one. */
const longestMinified = 2;

/** `class CardError extends Error {}` sets no `name`: its errors have that of the class, by which `registerError` knows them. */
function nameOf(error: Error): string {
  const name = readText(error, 'name');
  if (!builtInNames.has(name) || Object.hasOwn(error, 'name')) return name;
  const ofClass = (readField(error, 'constructor') as { readonly name?: unknown } | undefined)?.name;
  return typeof ofClass === 'string' && ofClass.length > longestMinified ? ofClass : name;
}

function readText(error: Error, key: 'name' | 'message' | 'stack'): string {
  try {
    const value: unknown = error[key];
    return typeof value === 'string' ? value : '';
  } catch {
    return ''; // a getter that throws: the failure is worth keeping without it
  }
}

function describeThrown(thrown: unknown): string {
  if (typeof thrown === 'string') return clip(thrown);
  if (thrown === undefined || thrown === null) return `${thrown} was thrown`;
  try {
    return clip(typeof thrown === 'object' ? (JSON.stringify(jsonSafe(thrown)) ?? String(thrown)) : String(thrown));
  } catch {
    return 'a value that cannot be shown was thrown';
  }
}

const ownNames = new Set(['name', 'message', 'stack', 'cause']);

function dataOf(error: Error): { readonly [key: string]: JsonValue } | undefined {
  const data: Record<string, JsonValue> = {};
  for (const key of keysOf(error)) {
    if (ownNames.has(key) || forbiddenKeys.has(key)) continue;
    const value = jsonSafe(readField(error, key));
    if (value !== undefined) data[key] = value;
  }
  return Object.keys(data).length > 0 ? data : undefined;
}

function keysOf(error: Error): readonly string[] {
  try {
    return Object.keys(error).slice(0, maxFields);
  } catch {
    return [];
  }
}

function readField(error: Error, key: string): unknown {
  try {
    return (error as unknown as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

const clip = (text: string): string => (text.length > maxText ? `${text.slice(0, maxText)}…` : text);

/** What a failed attempt belongs to, for the error at the caller. */
export interface FailureContext {
  readonly taskId: string;
  readonly task: string;
  readonly attempts: number;
}

/** The registry of error classes: nothing named by a message is built unless its class was registered here. */
export class ErrorRegistry {
  readonly #classes = new Map<string, ErrorClass>();

  /** Errors of this class, thrown in a task, come back as instances of it. Its constructor is not called. */
  register(errorClass: ErrorClass, name: string = errorClass.name): void {
    this.#classes.set(name, errorClass);
  }

  /** The error a caller catches. */
  toError(failure: Failure, context: FailureContext): Error {
    const cause = failure.cause && this.#toCause(failure.cause, 1);
    const registered = this.#classes.get(failure.name);
    if (registered) return revive(registered.prototype, failure, cause);
    if (failure.name === 'WorkerLostError') return new WorkerLostError(failure.message, context.taskId);
    return new TaskFailedError(failure.message, {
      ...context,
      remoteName: failure.name,
      ...(failure.stack === undefined ? {} : { remoteStack: failure.stack }),
      ...(failure.data === undefined ? {} : { data: failure.data }),
      cause,
    });
  }

  #toCause(failure: Failure, depth: number): Error {
    const cause = failure.cause && depth < maxCauses ? this.#toCause(failure.cause, depth + 1) : undefined;
    return revive(this.#classes.get(failure.name)?.prototype ?? Error.prototype, failure, cause);
  }
}

/** A failure as a plain error, for whoever shows errors. */
export function toPlainError({ cause, ...failure }: Failure): Error {
  return revive(Error.prototype, failure, cause && toPlainError(cause));
}

/**
 * A true error of that prototype without running its class's constructor, whose parameters nobody knows here. Fields are defined, not
 * assigned: a name from the wire must not run a setter of the class, nor change the prototype.
 */
function revive(prototype: Error, failure: Failure, cause: Error | undefined): Error {
  const error: Error = Object.setPrototypeOf(new Error(failure.message), prototype);
  const define = (key: string, value: unknown, enumerable = false): void => {
    Object.defineProperty(error, key, { value, writable: true, configurable: true, enumerable });
  };
  for (const [key, value] of Object.entries(failure.data ?? {})) if (!forbiddenKeys.has(key)) define(key, value, true);
  define('message', failure.message);
  define('name', failure.name);
  define('stack', failure.stack ?? `${failure.name}: ${failure.message}`);
  if (cause !== undefined) define('cause', cause);
  return error;
}
