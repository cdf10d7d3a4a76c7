import type { JsonValue } from '../message/json.ts';

/** Who signed a message of the bus that was opened here. */
const signers = new WeakMap<object, string>();

/** The id of the key that a message of the bus was signed with, where this process has verified it. */
export function signerOf(message: JsonValue): string | undefined {
  return typeof message === 'object' && message !== null ? signers.get(message) : undefined;
}

/** Notes who signed it. */
export function noteSigner(message: JsonValue, key: string): void {
  if (typeof message === 'object' && message !== null) signers.set(message, key);
}
