import { LovageError, PublishError } from '../errors.ts';
import type { JsonValue } from '../message/json.ts';
import type { Message } from '../message/message.ts';

/** Messages in one round trip, and their arguments in bytes, about: a chunk has the whole publish timeout for itself. */
const mostMessages = 500;
const mostBytes = 4 * 1024 * 1024;

/** Publishes chunk by chunk. An error says in `accepted` which messages the broker has all the same. */
export async function publishInChunks(
  messages: readonly Message[],
  publish: (chunk: readonly Message[]) => Promise<void>,
): Promise<void> {
  for (let start = 0; start < messages.length; ) {
    const chunk = chunkFrom(messages, start);
    try {
      await publish(chunk);
    } catch (error) {
      const before = messages.slice(0, start).map(({ id }) => id);
      if (messages.length > 1) noteAccepted(error, before, { chunk, all: messages.length });
      throw error;
    }
    start += chunk.length;
  }
}

/** Those of the chunks before, and of the failed chunk what the broker did not refuse by name. */
function noteAccepted(
  error: unknown,
  before: readonly string[],
  { chunk, all }: { readonly chunk: readonly Message[]; readonly all: number },
): void {
  if (!(error instanceof LovageError || error instanceof PublishError)) return;
  const own = error instanceof PublishError ? chunk.filter(({ id }) => !error.failures.has(id)) : [];
  const accepted = [...before, ...own.map(({ id }) => id)];
  error.message += `; ${accepted.length} of ${all} calls were accepted (their ids are in \`accepted\`)`;
  Object.assign(error, { accepted });
}

/** The messages from `start` on that go in one round trip. One that is larger than a chunk is a chunk of its own. */
function chunkFrom(messages: readonly Message[], start: number): readonly Message[] {
  const end = Math.min(messages.length, start + mostMessages);
  let bytes = 0;
  for (let at = start; at < end; at += 1) {
    bytes += sizeOf((messages[at] as Message).args as readonly JsonValue[]);
    if (bytes > mostBytes && at > start) return messages.slice(start, at);
  }
  return start === 0 && end === messages.length ? messages : messages.slice(start, end);
}

/** About what a value takes as JSON. */
function sizeOf(value: JsonValue | readonly JsonValue[]): number {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value !== 'object' || value === null) return 8;
  let size = 2;
  if (Array.isArray(value)) for (const item of value) size += sizeOf(item);
  else
    for (const key of Object.keys(value))
      size += key.length + 4 + sizeOf((value as Record<string, JsonValue>)[key] as JsonValue);
  return size;
}
