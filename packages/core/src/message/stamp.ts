import type { JsonValue } from './json.ts';
import type { Message } from './message.ts';

/** Whether a message carries a stamp or a header of this name with this value; of a list, as one of its members. */
export function hasStamp(
  { stamps, headers }: Pick<Message, 'stamps' | 'headers'>,
  name: string,
  value: JsonValue,
): boolean {
  return holds(stamps, name, value) || holds(headers, name, value);
}

function holds(fields: Message['stamps'], name: string, value: JsonValue): boolean {
  if (fields === undefined || !Object.hasOwn(fields, name)) return false;
  const held = fields[name];
  return Array.isArray(held) ? held.includes(value) : held === value;
}
