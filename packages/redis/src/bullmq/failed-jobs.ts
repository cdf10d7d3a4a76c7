import type { Retention } from '@lovage/core/driver';
import type { RedisClient } from '../connection.ts';
import type { Keys } from '../keys.ts';
import type { StoreLink } from '../store-link.ts';
import { failedExpires } from './failed-expires.ts';
import type { TaskBackend } from './task-backend.ts';

/** Jobs that the size of all is told from. */
const sampled = 50;
/** Jobs deleted by one script. */
const chunkSize = 500;
/** What a job takes beside its data and its failure. */
const overhead = 600;

/**
 * Lets failed jobs go that are too old, too many or take too much. BullMQ does the first two itself, when the next job of
 * the queue fails; until then, and against large ones, there is this.
 */
export async function sweepFailedJobs(link: StoreLink, keys: Keys, retention: Retention, queue: string): Promise<void> {
  const failed = keys.job(queue, 'failed');
  const kept = (): Promise<number> => link.run((client) => client.zcard(failed));
  const before = await kept();
  if (before === 0) return;
  const { createTaskBackend } = await import('./create-task-backend.ts');
  const backend = (client: RedisClient): TaskBackend =>
    createTaskBackend(keys.bullQueue(queue), { connection: client, prefix: keys.bull });
  await clean(link, backend, { until: Date.now() - failedExpires, most: before });
  const count = await kept();
  const size = await link.run((client) => sizeOf(client, { keys, queue, failed, count }));
  const fits = size > retention.deadLetterBytes ? Math.floor((count * retention.deadLetterBytes) / size) : count;
  const tooMany = count - Math.min(fits, retention.failures);
  if (tooMany > 0) await clean(link, backend, { until: Date.now(), most: tooMany });
}

interface Going {
  /** Failed before, epoch ms. */
  readonly until: number;
  readonly most: number;
}

/** The oldest go first. */
async function clean(
  link: StoreLink,
  backend: (client: RedisClient) => TaskBackend,
  { until, most }: Going,
): Promise<void> {
  for (let left = most; left > 0; ) {
    const gone = await link.run((client) =>
      backend(client).cleanJobsByState('failed', until, Math.min(left, chunkSize)),
    );
    left -= gone.length;
    if (gone.length < chunkSize) return;
  }
}

interface FailedSet {
  readonly keys: Keys;
  readonly queue: string;
  readonly failed: string;
  readonly count: number;
}

/** What all of them take, as told from some that lie evenly among them. */
async function sizeOf(client: RedisClient, { keys, queue, failed, count }: FailedSet): Promise<number> {
  const step = Math.max(1, Math.floor(count / sampled));
  const places = Array.from({ length: Math.min(sampled, count) }, (_, index) => index * step);
  const ids = (await Promise.all(places.map((place) => client.zrange(failed, String(place), String(place))))).flat();
  const fields = ['data', 'failedReason', 'stacktrace'] as const;
  const sizes = await Promise.all(
    ids.flatMap((id) => fields.map((field) => client.hstrlen(keys.job(queue, id), field))),
  );
  const sum = sizes.reduce((total, size) => total + size, 0) + overhead * ids.length;
  return ids.length === 0 ? 0 : (sum / ids.length) * count;
}
