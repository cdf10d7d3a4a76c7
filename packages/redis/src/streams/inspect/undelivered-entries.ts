import type { Message, UndeliveredPage } from '@lovage/core/driver';
import type { RedisClient } from '../../connection.ts';
import type { StoreLink } from '../../store-link.ts';
import { type RawEntry, readEntry } from '../entry/entry.ts';
import { group, type QueueStream, type StreamQueue, streamNames } from '../entry/stream-queue.ts';

/** Entries of one page, about. */
const pageSize = 500;

/**
 * Some of a queue's messages that have not been delivered. Pages go through the streams, each behind the last delivered
 * entry, and then through what is held back; a page is named by the place among those and an entry, or Redis's cursor.
 */
export async function readUndeliveredEntries(
  link: StoreLink,
  queue: StreamQueue,
  page = '0:',
  size: number = pageSize,
): Promise<UndeliveredPage> {
  const colon = page.indexOf(':');
  const [index, from] = [Number(page.slice(0, colon)), page.slice(colon + 1)];
  const name = streamNames[index];
  if (name === undefined) return readBlocked(link, queue, from === '' ? '0' : from);
  const stream = queue.streams.get(name) as QueueStream;
  const entries = await link.run(async (client) => {
    const after = from === '' ? await lastDelivered(client, stream) : from;
    return client.xrange(stream.key, `(${after}`, '+', 'COUNT', size);
  });
  const last = entries.length < size ? undefined : entries.at(-1)?.[0];
  const messages = await withoutRemoved(link, queue, readAll(entries, stream));
  return { messages, next: last === undefined ? `${index + 1}:` : `${index}:${last}` };
}

/** The next of a queue's messages, in the order of its streams, which are pages of their own. */
export async function peekEntries(link: StoreLink, queue: StreamQueue, limit: number): Promise<readonly Message[]> {
  const messages: Message[] = [];
  for (let page = '0:'; messages.length < limit && !page.startsWith(`${streamNames.length}:`); ) {
    const found = await readUndeliveredEntries(link, queue, page, Math.min(pageSize, limit));
    messages.push(...found.messages);
    page = found.next ?? `${streamNames.length}:`;
  }
  return messages.slice(0, limit);
}

async function lastDelivered(client: RedisClient, { key }: QueueStream): Promise<string> {
  const groups = (await client.xinfo('GROUPS', key).catch(() => [])) as readonly (readonly unknown[])[]; // no such stream
  for (const info of groups) {
    const field = (name: string): unknown => info[info.indexOf(name) + 1];
    if (field('name') === group) return String(field('last-delivered-id'));
  }
  return '0-0';
}

/** A removed message stays in its stream until its turn comes. */
async function withoutRemoved(
  link: StoreLink,
  queue: StreamQueue,
  messages: readonly Message[],
): Promise<readonly Message[]> {
  if (messages.length === 0) return messages;
  const marks = await link.run((client) => client.hmget(queue.removed, ...messages.map(({ id }) => id)));
  return messages.filter((_, index) => marks[index] === null);
}

/** What waits for its time: the band and the lost leases stand before the payload (see stream-publish). */
async function readBlocked(link: StoreLink, queue: StreamQueue, cursor: string): Promise<UndeliveredPage> {
  const [next, pairs] = await link.run((client) => client.hscan(queue.held, cursor, 'COUNT', pageSize));
  const messages: Message[] = [];
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    const body = pairs[index + 1] as string;
    const stream = queue.streams.get(`p${body.slice(0, 1)}`);
    const entry: RawEntry = ['', [pairs[index] as string, body.slice(body.indexOf(':', 1) + 1)]];
    if (stream) messages.push(...readAll([entry], stream));
  }
  return { messages, ...(next === '0' ? {} : { next: `${streamNames.length}:${next}` }) };
}

function readAll(entries: readonly RawEntry[], stream: QueueStream): readonly Message[] {
  return entries.flatMap((entry) => readEntry(entry, stream).message ?? []);
}
