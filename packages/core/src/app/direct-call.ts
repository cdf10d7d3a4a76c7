import { UnboundTaskError } from '../errors.ts';
import type { JsonValue } from '../message/json.ts';
import { decodeArgs, decodeResult, encodeArgs, encodeResult, type SizeLimit } from '../message/payload-codec.ts';
import type { MaybePromise } from '../options/schema.ts';
import type { TaskDefinition } from '../task/task.ts';
import { currentTaskOrNone, runAsTask } from '../task/task-context.ts';
import { createInlineContext } from './inline-context.ts';

/** Nothing is sent, so nothing is too large. */
const unlimited: SizeLimit = { bytes: Number.POSITIVE_INFINITY, option: 'none' };

/**
 * Runs a task's handler here and now, on what a worker would give it: a schema validates the arguments, fills in defaults and decodes
 * them, and does the same to the return value; `currentTask()` is the task. Without schemas both pass as they are. No promise where
 * neither the handler nor a schema makes one. Throws {@link TaskValidationError}, {@link UnboundTaskError}, and what the handler throws.
 */
export function callDirectly(definition: TaskDefinition, args: readonly unknown[]): unknown {
  const { name, payload, handler } = definition;
  if (handler === undefined) throw new UnboundTaskError(name);
  if (payload.args === undefined) return runDecoded(definition, args as readonly JsonValue[], args);
  return chain(encodeArgs(payload, args, unlimited), (wire) =>
    chain(decodeArgs(payload, wire, ''), (decoded) => runDecoded(definition, wire, decoded)),
  );
}

function runDecoded(definition: TaskDefinition, wire: readonly JsonValue[], args: readonly unknown[]): unknown {
  const { payload, options, handler } = definition;
  const context = createInlineContext(definition, wire, currentTaskOrNone());
  const value: unknown = runAsTask(context, () => (options.bind ? handler?.(context, ...args) : handler?.(...args)));
  if (payload.returns === undefined) return value;
  return chain(value, (returned) =>
    chain(encodeResult(payload, returned, unlimited), (encoded) => decodeResult(payload, encoded, '')),
  );
}

function chain<T>(value: MaybePromise<T>, next: (value: T) => unknown): unknown {
  return value instanceof Promise ? value.then(next) : next(value);
}
