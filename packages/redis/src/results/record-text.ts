import { decodeRecord, encodeRecord, finalRecordPrefix, type OutcomeWrite, type Ring } from '@lovage/core/driver';
import type { Keys } from '../keys.ts';

/** A record longer than this is not carried by the ring: who waits reads it from the store. In bytes. */
const longestInRing = 8_192;
const bareRing = '{"ring":';

/** An outcome as the arguments that both store scripts share: ARGV[1..6] of store-record. */
export function recordArguments(write: OutcomeWrite, keys: Keys): (string | number)[] {
  const channel = write.replyTo === undefined ? '' : keys.inbox(write.replyTo);
  const bare = channel === '' ? '' : `${bareRing}${JSON.stringify(write.record.id)}}`;
  const ttl = Math.max(1, Math.floor(write.ttl));
  return [encodeRecord(write.record), ttl, finalRecordPrefix, channel, bare, longestInRing];
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
