import type { JsonValue, Message } from '@lovage/core/driver';
import type { Fields } from '../protocol/json-schema.ts';

/** The header that carries what Celery's protocol has no place for; Python hands it on with a retry. */
export const ownHeader = 'lovage';

const ownFields = [
  'deadline',
  'maxRetries',
  'resultExpires',
  'version',
  'mayRepeat',
  'claim',
  'unknownSince',
  'limitedUntil',
  'rateLine',
  'turn',
  'crashes',
  'requeues',
] as const satisfies readonly (keyof Message)[];

/** What of a message goes into {@link ownHeader}; undefined when nothing does. */
export function ownHeaderOf(message: Message): Fields | undefined {
  let own: Record<string, JsonValue> | undefined;
  for (const field of ownFields) {
    if (message[field] === undefined) continue;
    own ??= {};
    own[field] = message[field] as JsonValue; // a message is JSON throughout
  }
  return own;
}
