import { type Message, timeOfTaskId } from '@lovage/core/driver';
import type { StoreLink } from '../../store-link.ts';
import { readEntry } from '../entry/entry.ts';
import { type QueueStream, type StreamQueue, streamNames } from '../entry/stream-queue.ts';

/** Entries read in one go. */
const pageSize = 500;
/** How far a producer's clock may be ahead of Redis's, in milliseconds. */
const skew = 3_600_000;
/** How far from the time that its id tells an entry nearly always stands, in milliseconds. */
const nearby = 100;
/** The length of a UUID, which every id of a canvas begins with. */
const uuidLength = 36;

/**
 * The messages of these ids, in whatever state. A stream has no index: each is read about the time that the ids tell, and then,
 * until all are found that the queue knows, from an hour before (retries come later, and clocks differ).
 */
export async function findEntries(
  link: StoreLink,
  queue: StreamQueue,
  ids: readonly string[],
): Promise<readonly Message[]> {
  const there = await link.run((client) => client.smismember(queue.known, ...ids));
  const wanted = new Set(ids.filter((_, index) => there[index] === 1));
  const found = wanted.size === 0 ? [] : await blockedMessages(link, queue, [...wanted]);
  for (const { id } of found) wanted.delete(id);
  const messages = [...found];
  for (const span of spansOf([...wanted])) {
    for (const name of streamNames) {
      if (wanted.size > 0) await search(link, queue.streams.get(name) as QueueStream, { wanted, ...span, messages });
    }
  }
  return messages;
}

/** The first and the last entry that are looked at. */
interface Span {
  readonly from: string;
  readonly to: string;
}

interface Search extends Span {
  readonly wanted: Set<string>;
  readonly messages: Message[];
}

async function search(link: StoreLink, stream: QueueStream, { wanted, from, to, messages }: Search): Promise<void> {
  for (let start = from; wanted.size > 0; ) {
    const entries = await link.run((client) => client.xrange(stream.key, start, to, 'COUNT', pageSize));
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
export async function blockedMessages(
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

function spansOf(ids: readonly string[]): readonly Span[] {
  const times = ids.map((id) => timeOfTaskId(id.slice(0, uuidLength)) ?? 0);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const whole = { from: String(Math.max(0, first - skew)), to: '+' };
  return first === 0 ? [whole] : [{ from: String(first - nearby), to: String(last + nearby) }, whole];
}
