import { PayloadNotSerializableError } from '../../errors.ts';
import { toFailure } from '../../message/failure.ts';
import type { JsonValue } from '../../message/json.ts';
import { assertFewParts, assertJson, type SizeLimit } from '../../message/payload-codec.ts';
import type { Attempt } from './attempt.ts';
import type { AttemptResult } from './attempt-result.ts';

/**
 * Makes the JSON text of a return value, once: a getter or proxy may give another value at its next look, and an error then,
 * outside the attempt, would be nobody's. A value that JSON cannot carry makes the attempt a FAILURE. Never throws.
 */
export function sealResult(attempt: Attempt, result: AttemptResult, limit: SizeLimit): AttemptResult {
  if (result.state !== 'SUCCESS' || typeof result.value !== 'object' || result.value === null) return result;
  try {
    assertFewParts(result.value, limit, nameOf(attempt));
    const text = JSON.stringify(result.value);
    if (text.length > limit.bytes) assertJson(JSON.parse(text), 'return value', limit, nameOf(attempt));
    attempt.valueText = text;
    if (!attempt.message.canvas) return result;
    return { ...result, value: JSON.parse(text) as JsonValue }; // what follows in the canvas reads it again
  } catch (error) {
    const known = error instanceof PayloadNotSerializableError || !(error instanceof Error && isOurs(error));
    return { state: 'FAILURE', failure: toFailure(known ? notSerializable(error) : error) };
  }
}

/** Why a value could not be made text, by name. */
export function notSerializable(error: unknown): PayloadNotSerializableError {
  if (error instanceof PayloadNotSerializableError) return error;
  return new PayloadNotSerializableError('return value', `a value that throws when it is read (${describe(error)})`);
}

function isOurs(error: Error): boolean {
  return error.name === 'PayloadTooLargeError';
}

function describe(error: unknown): string {
  return toFailure(error).message;
}

function nameOf({ definition }: Attempt): string {
  return `return value of task "${definition.name}"`;
}
