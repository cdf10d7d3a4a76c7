import { createHash } from 'node:crypto';
import type { JsonValue } from '../message/json.ts';
import { keyOf } from '../task/key-of.ts';
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
  const makeKey = options.idempotencyKey;
  const key = given ?? (makeKey && keyOf(makeKey, args, `task "${name}": option idempotencyKey`));
  return key === undefined ? undefined : `key~${digest([name, key])}`;
}

/** The parts of a name as one short text without signs that keys and ids cannot have. */
export function digest(parts: readonly JsonValue[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
