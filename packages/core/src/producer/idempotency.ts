import { createHash } from 'node:crypto';
import { ConfigurationError } from '../errors.ts';
import type { JsonValue } from '../task/json.ts';
import type { TaskDefinition } from '../task/task.ts';

/**
 * The task id of a call with an idempotency key: the same for the same task and key in every process, so that the broker
 * knows a call it has, and the result store one that has ended. undefined where the call has no key. Throws
 * {@link ConfigurationError} when the task's key function throws, or gives no text.
 */
export function keyedId(
  { name, options }: TaskDefinition,
  args: readonly JsonValue[],
  given: string | undefined,
): string | undefined {
  const key = given ?? (options.idempotencyKey && keyOf(name, options.idempotencyKey, args));
  if (key === undefined) return undefined;
  return `key~${createHash('sha256')
    .update(JSON.stringify([name, key]))
    .digest('base64url')}`;
}

function keyOf(
  task: string,
  makeKey: NonNullable<TaskDefinition['options']['idempotencyKey']>,
  args: readonly JsonValue[],
): string | undefined {
  const where = `task "${task}": option idempotencyKey`;
  let key: unknown;
  try {
    key = makeKey(args);
  } catch (error) {
    throw new ConfigurationError(`${where} threw: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  if (key === undefined || (typeof key === 'string' && key !== '')) return key;
  throw new ConfigurationError(
    `${where} gave ${JSON.stringify(key) ?? String(key)}: expected a non-empty text, or undefined`,
  );
}
