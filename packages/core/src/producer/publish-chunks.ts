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
  const accepted: string[] = [];
  for (const chunk of chunksOf(messages)) {
    try {
      await publish(chunk);
    } catch (error) {
      if (messages.length > 1) noteAccepted(error, accepted, { chunk, all: messages.length });
      throw error;
    }
    for (const { id } of chunk) accepted.push(id);
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

/** The messages in chunks, each for one round trip. One that is larger than a chunk is a chunk of its own. */
export function chunksOf(messages: readonly Message[]): readonly (readonly Message[])[] {
  const chunks: Message[][] = [];
  let chunk: Message[] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = sizeOf(message.args as readonly JsonValue[]);
    if (chunk.length > 0 && (chunk.length === mostMessages || bytes + size > mostBytes)) {
      chunks.push(chunk);
      chunk = [];
      bytes = 0;
    }
    chunk.push(message);
    bytes += size;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
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
