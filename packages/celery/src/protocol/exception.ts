import type { Failure, JsonValue } from '@lovage/core/driver';
import { type Fields, isFields } from './json-schema.ts';

/** Errors of Lovage that Celery has a class for. */
const toCelery: Readonly<Record<string, readonly [type: string, module: string]>> = {
  TimeLimitExceeded: ['TimeLimitExceeded', 'billiard.exceptions'],
  SoftTimeLimitExceeded: ['SoftTimeLimitExceeded', 'billiard.exceptions'],
  WorkerLostError: ['WorkerLostError', 'billiard.exceptions'],
  UnknownTaskError: ['NotRegistered', 'celery.exceptions'],
  MaxRetriesExceededError: ['MaxRetriesExceededError', 'celery.exceptions'],
  ChordError: ['ChordError', 'celery.exceptions'],
  TaskValidationError: ['TypeError', 'builtins'],
  Reject: ['Reject', 'celery.exceptions'],
};

/** Python's own classes that take a message: an error of such a name is raised as that class, so that `except ValueError` catches it. */
const builtins: ReadonlySet<string> = new Set(
  (
    'ArithmeticError AssertionError AttributeError BufferError ConnectionError EOFError FileExistsError FileNotFoundError ' +
    'FloatingPointError ImportError IndexError InterruptedError IOError KeyError LookupError MemoryError NameError ' +
    'NotImplementedError OSError OverflowError PermissionError RecursionError ReferenceError RuntimeError SyntaxError TimeoutError ' +
    'TypeError ValueError ZeroDivisionError'
  ).split(' '),
);

/** Where Python looks for the class of an error that it has none of; it makes one of that name. */
const ownModule = 'lovage';
/** A class's name in Python, with its module or without: anything else would be one that nobody can write. */
const pythonName = /^(?:((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)\.)?([A-Za-z_]\w*)$/;

/** A failure as the `result` of a FAILURE, RETRY or REVOKED: Python raises it by its name, with its message. */
export function exceptionOf({ name, message, data }: Failure): Fields {
  const python = data?.python;
  if (isPythons(python)) return python; // Python's own, on its way back, or an error that says what it is there
  const [type, module] = classOf(name);
  return { exc_type: type, exc_message: [message], exc_module: module };
}

/** Whether Python can read it: Celery's backend trusts what it finds. */
function isPythons(value: JsonValue | undefined): value is Fields {
  if (!isFields(value)) return false;
  const { exc_type: type, exc_module: module } = value;
  return (
    typeof type === 'string' && type !== '' && (typeof module === 'string' || module === null || module === undefined)
  );
}

/** The class that Python is to look for: `proj.errors.OutOfStock` names its module. */
function classOf(name: string): readonly [type: string, module: string] {
  if (Object.hasOwn(toCelery, name)) return toCelery[name] as readonly [string, string];
  if (builtins.has(name)) return [name, 'builtins'];
  const [, module = ownModule, type = 'Error'] = pythonName.exec(name) ?? [];
  return [type, module];
}

/** The `result` of REVOKED: Python raises TaskRevokedError. */
export function revokedException(reason: string): Fields {
  return { exc_type: 'TaskRevokedError', exc_message: [reason], exc_module: 'celery.exceptions' };
}

/** A failure that Python told of; what it said is kept in `data.python`. */
export function failureOf(result: JsonValue | undefined, traceback: JsonValue | undefined): Failure {
  const stack = typeof traceback === 'string' && traceback !== '' ? { stack: traceback } : {};
  if (!isFields(result) || typeof result.exc_type !== 'string') {
    return { name: 'Error', message: typeof result === 'string' ? result : JSON.stringify(result ?? null), ...stack };
  }
  const { exc_type: type, exc_message: message, exc_module: module } = result;
  const own = module === ownModule;
  return {
    name: type.split('.').at(-1) as string, // exc_type is the qualified name of a class within a class
    message: messageOf(message),
    ...stack,
    ...(own ? {} : { data: { python: result } }),
  };
}

function messageOf(message: JsonValue | undefined): string {
  if (typeof message === 'string') return message;
  if (!Array.isArray(message)) return message === undefined || message === null ? '' : JSON.stringify(message);
  const [only, ...more] = message as readonly JsonValue[];
  if (only === undefined) return '';
  if (more.length === 0 && typeof only === 'string') return only;
  return message.map((part: JsonValue) => (typeof part === 'string' ? part : JSON.stringify(part))).join(', ');
}

/** An error as Python shows it: `ValueError('bad', 42)`. */
export function exceptionRepr(exception: Fields, repr: (value: JsonValue) => string): string {
  const { exc_type: type, exc_message: message } = exception;
  const args = Array.isArray(message) ? (message as readonly JsonValue[]) : [message ?? ''];
  return `${String(type)}(${args.map(repr).join(', ')})`;
}
