import { ConfigurationError } from '../errors.ts';
import type { JsonValue } from '../message/json.ts';
import type { KeyFunction } from '../options/unique-rule.ts';
import { isName } from '../options/well-formed.ts';

/**
 * What a task's key function says of these arguments; undefined: no key. Throws {@link ConfigurationError}, which begins
 * with `where`, when the function throws or gives no text.
 */
export function keyOf(makeKey: KeyFunction, args: readonly JsonValue[], where: string): string | undefined {
  let key: unknown;
  try {
    key = makeKey(args);
  } catch (error) {
    throw new ConfigurationError(`${where} threw: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  if (key === undefined || isName(key)) return key;
  throw new ConfigurationError(
    `${where} gave ${JSON.stringify(key) ?? String(key)}: expected a non-empty, well-formed text, or undefined`,
  );
}
