import type { JsonValue, Message } from '@lovage/core/driver';
import { type Fields, isFields } from '../protocol/json-schema.ts';

/** The header that carries what Celery's protocol has no place for; Python hands it on with a retry. */
export const ownHeader = 'lovage';

const ownFields = [
  'deadline',
  'maxRetries',
  'resultExpires',
  'version',
  'tags',
  'mayRepeat',
  'claim',
  'unknownSince',
  'limitedUntil',
  'rateLine',
  'turn',
  'crashes',
  'requeues',
] as const satisfies readonly (keyof Message)[];

/**
 * What of a message goes into {@link ownHeader}, as JSON text; undefined when nothing does. Text, since Python sends the numbers of
 * a header table on in a form that RabbitMQ's clients do not all read.
 */
export function ownHeaderOf(message: Message): string | undefined {
  let own: Record<string, JsonValue> | undefined;
  for (const field of ownFields) {
    if (message[field] === undefined) continue;
    own ??= {};
    own[field] = message[field] as JsonValue; // a message is JSON throughout
  }
  return own && JSON.stringify(own);
}

/** What a header says of its message; nothing where it is not ours. */
export function readOwnHeader({ [ownHeader]: own }: Fields): Partial<Message> {
  if (typeof own !== 'string') return {};
  try {
    const fields = JSON.parse(own) as JsonValue;
    return isFields(fields) ? (fields as Partial<Message>) : {};
  } catch {
    return {};
  }
}
