import { type Message, timeOfTaskId } from '@lovage/core/driver';
import type { StoreLink } from '../store-link.ts';
import { readEntry } from './entry.ts';
import { type QueueStream, type StreamQueue, streamNames } from './stream-queue.ts';

/** Entries read in one go. */
const pageSize = 500;
/** How far a producer's clock may be ahead of Redis's, in milliseconds. */
const skew = 3_600_000;
/** The length of a UUID, which every id of a canvas begins with. */
const uuidLength = 36;

/**
 * The messages of these ids, in whatever state. A stream has no index: it is read from the time that the oldest of the ids
 * tells, until all are found that the queue knows.
 */
export async function findEntries(
  link: StoreLink,
  queue: StreamQueue,
  ids: readonly string[],
): Promise<readonly Message[]> {
  const there = await link.run((client) => client.smismember(queue.known, ...ids));
  const wanted = new Set(ids.filter((_, index) => there[index] === 1));
  const found = wanted.size === 0 ? [] : await heldMessages(link, queue, [...wanted]);
  for (const { id } of found) wanted.delete(id);
  const messages = [...found];
  const from = earliest([...wanted]);
  for (const name of streamNames) {
    if (wanted.size > 0) await search(link, queue.streams.get(name) as QueueStream, { wanted, from, messages });
  }
  return messages;
}

interface Search {
  readonly wanted: Set<string>;
  /** The first entry that is looked at. */
  readonly from: string;
  readonly messages: Message[];
}

async function search(link: StoreLink, stream: QueueStream, { wanted, from, messages }: Search): Promise<void> {
  for (let start = from; wanted.size > 0; ) {
    const entries = await link.run((client) => client.xrange(stream.key, start, '+', 'COUNT', pageSize));
    for (const entry of entries) {
      const [id = ''] = entry[1];
      if (!wanted.delete(id)) continue;
      const { message } = readEntry(entry, stream);
      if (message) messages.push(message);
    }
    if (entries.length < pageSize) return;
    start = `(${entries.at(-1)?.[0]}`;
  }
}

/** Those that wait for their time: the band stands before the payload (see stream-publish). */
export async function heldMessages(
  link: StoreLink,
  queue: StreamQueue,
  ids: readonly string[],
): Promise<readonly Message[]> {
  const bodies = await link.run((client) => client.hmget(queue.held, ...ids));
  return bodies.flatMap((body, index) => {
    const stream = body && queue.streams.get(`p${body.slice(0, 1)}`);
    if (!stream) return [];
    return readEntry(['', [ids[index] as string, body.slice(body.indexOf(':', 1) + 1)]], stream).message ?? [];
  });
}

function earliest(ids: readonly string[]): string {
  const times = ids.map((id) => timeOfTaskId(id.slice(0, uuidLength)) ?? 0);
  return String(Math.max(0, Math.min(...times) - skew));
}
