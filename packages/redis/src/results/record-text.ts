import { decodeRecord, encodeRecord, type OutcomeWrite, type Ring } from '@lovage/core/driver';
import type { Keys } from '../keys.ts';

/** How the ring of a record begins that is too big to be carried. */
const bareRing = '{"ring":';

/** An outcome as the arguments that both store scripts share: record, ttl, channel, bare ring. */
export function recordArguments(write: OutcomeWrite, keys: Keys): (string | number)[] {
  const ttl = Math.max(1, Math.floor(write.ttl));
  const text = encodeRecord(write.record);
  if (write.replyTo === undefined) return [text, ttl, '', ''];
  return [text, ttl, keys.inbox(write.replyTo), `${bareRing}${JSON.stringify(write.record.id)}}`];
}

/** The ring of a text heard at an inbox; undefined for foreign bytes. */
export function parseRing(text: string): Ring | undefined {
  if (text.startsWith(bareRing)) {
    const id = /^\{"ring":("(?:[^"\\]|\\.)*")\}$/.exec(text)?.[1];
    return id === undefined ? undefined : { id: JSON.parse(id) as string };
  }
  const record = decodeRecord(text);
  return record && { id: record.id, record };
}
