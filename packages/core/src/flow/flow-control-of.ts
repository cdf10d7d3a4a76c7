import { ConfigurationError } from '../errors.ts';
import type { FlowControl } from '../message/flow-control.ts';
import type { JsonValue } from '../message/json.ts';
import { limits } from '../options/limits.ts';
import type { KeyFunction } from '../options/unique-rule.ts';
import { keyOf } from '../task/key-of.ts';
import type { TaskDefinition } from '../task/task.ts';

/** Where the turn of a call is decided. Throws {@link ConfigurationError} when a key function throws or gives no text. */
export function flowControlOf({ name, options }: TaskDefinition, args: readonly JsonValue[]): FlowControl | undefined {
  const { orderingKey, fairness } = options;
  const order = orderingKey && shortKey(`task "${name}": option orderingKey`, orderingKey, args);
  const tenant = fairness && shortKey(`task "${name}": option fairness.key`, fairness.key, args);
  if (order === undefined && tenant === undefined) return undefined;
  return {
    ...(order === undefined ? {} : { order }),
    ...(fairness === undefined || tenant === undefined
      ? {}
      : { share: { key: tenant, cost: 1 / weightOf(name, fairness.weight, tenant), window: fairness.window } }),
  };
}

/** The key under which a call counts against its task's concurrency limit; undefined: it does not. */
export function concurrencyKeyOf({ name, options }: TaskDefinition, args: readonly JsonValue[]): string | undefined {
  const key = options.concurrency?.key;
  return key === undefined ? '' : shortKey(`task "${name}": option concurrency.key`, key, args);
}

function shortKey(where: string, makeKey: KeyFunction, args: readonly JsonValue[]): string | undefined {
  const key = keyOf(makeKey, args, where);
  if (key === undefined || key.length <= limits.key) return key;
  throw new ConfigurationError(`${where} gave ${key.length} characters: at most ${limits.key} are allowed`);
}

function weightOf(task: string, weight: ((key: string) => number) | undefined, key: string): number {
  if (weight === undefined) return 1;
  const where = `task "${task}": option fairness.weight`;
  let given: unknown;
  try {
    given = weight(key);
  } catch (error) {
    throw new ConfigurationError(`${where} threw: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  if (typeof given === 'number' && given >= 0.001 && given <= 1000) return given;
  throw new ConfigurationError(`${where} gave ${String(given)} for "${key}": expected a number from 0.001 to 1000`);
}
