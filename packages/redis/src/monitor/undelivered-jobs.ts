import type { Message, UndeliveredPage } from '@lovage/core/driver';
import { readJob } from '../bullmq/job-message.ts';
import type { RedisClient } from '../connection.ts';
import type { Keys } from '../keys.ts';
import type { StoreLink } from '../store-link.ts';

/** Jobs of one page, about. */
const pageSize = 500;

/** Where jobs stand that have not been delivered, in BullMQ's words; the list last, since ours come there rarely. */
const places = ['prioritized', 'delayed', 'wait'] as const;

/** Which queue of which Redis. */
export interface JobQueue {
  readonly link: StoreLink;
  readonly keys: Keys;
  readonly queue: string;
}

/**
 * Some of a queue's jobs that have not been delivered. A page is named by its place and a cursor: Redis's own for sorted
 * sets, which meets whatever stays. In the list it is a position from the left, where new jobs come in: those make it
 * meet some twice, and taking jobs from the right makes it miss none.
 */
export async function readUndeliveredJobs({ link, keys, queue }: JobQueue, page = '0:0'): Promise<UndeliveredPage> {
  const [index = 0, cursor = 0] = page.split(':').map(Number);
  const place = places[index];
  if (place === undefined) return { messages: [] };
  const found = await link.run((client) => idsAt(client, keys.job(queue, place), cursor));
  const messages = await readMessages({ link, keys, queue }, found.ids);
  const next = found.next === 0 ? index + 1 : index;
  return { messages, ...(next < places.length ? { next: `${next}:${found.next}` } : {}) };
}

/** The next of a queue's jobs, at most `limit`: BullMQ takes the list from its right end, then the sorted set in its order. */
export async function peekJobs({ link, keys, queue }: JobQueue, limit: number): Promise<readonly Message[]> {
  const messages: Message[] = [];
  const size = Math.min(pageSize, limit);
  for (const idsFrom of [oldestOfList, firstOfSet]) {
    for (let from = 0, more = true; more && messages.length < limit; from += size) {
      const ids = await link.run((client) => idsFrom(client, (place) => keys.job(queue, place), [from, size]));
      messages.push(...(await readMessages({ link, keys, queue }, ids)));
      more = ids.length === size;
    }
  }
  return messages.slice(0, limit);
}

type KeyOf = (place: string) => string;
type Range = readonly [from: number, size: number];

async function oldestOfList(client: RedisClient, key: KeyOf, [from, size]: Range): Promise<string[]> {
  return (await client.lrange(key('wait'), -from - size, -from - 1)).reverse();
}

function firstOfSet(client: RedisClient, key: KeyOf, [from, size]: Range): Promise<string[]> {
  return client.zrange(key('prioritized'), from, String(from + size - 1));
}

interface Ids {
  readonly ids: readonly string[];
  /** 0: that was all. */
  readonly next: number;
}

async function idsAt(client: RedisClient, key: string, cursor: number): Promise<Ids> {
  if (!key.endsWith(':wait')) {
    const [next, pairs] = await client.zscan(key, cursor, 'COUNT', pageSize);
    return { ids: pairs.filter((_, index) => index % 2 === 0), next: Number(next) };
  }
  const ids = await client.lrange(key, cursor, cursor + pageSize - 1);
  return { ids, next: ids.length < pageSize ? 0 : cursor + pageSize };
}

/** The messages of these jobs, as far as they are there, have not ended and can be read. */
export async function readMessages(
  { link, keys, queue }: JobQueue,
  ids: readonly string[],
): Promise<readonly Message[]> {
  const jobs = await link.run((client) =>
    Promise.all(ids.map((id) => client.hmget(keys.job(queue, id), 'name', 'data', 'timestamp', 'finishedOn'))),
  );
  return jobs.flatMap(([name, data, timestamp, finishedOn], index) => {
    if (name == null || data == null || finishedOn != null) return []; // it has gone meanwhile
    const { message } = readJob({ id: ids[index] as string, name, data, timestamp: Number(timestamp) }, queue);
    return message ? [message] : [];
  });
}
