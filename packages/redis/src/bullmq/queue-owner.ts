import { ForeignQueueError } from '@lovage/core/driver';
import { isCluster, type RedisClient } from '../connection.ts';
import type { Keys } from '../keys.ts';
import { ownerField } from '../scripts/bullmq/claim-queue.lua.ts';
import { scriptsOf } from '../scripts/scripts.ts';
import { readJob } from './job-message.ts';

/** Jobs of each state that are looked at in a queue without a mark. */
const sampled = 20;
const lists = ['wait', 'paused', 'active'];
const sets = ['prioritized', 'delayed', 'failed', 'completed', 'waiting-children'];

/** A BullMQ queue of this name. */
export interface NamedQueue {
  readonly keys: Keys;
  readonly queue: string;
}

/**
 * Marks the queue as Lovage's. Throws {@link ForeignQueueError} when another program created it: a worker would take that
 * program's jobs, and that program's workers ours.
 */
export async function claimQueue(client: RedisClient, named: NamedQueue): Promise<void> {
  if (await mark(client, named, false)) return;
  const owner = await foreignOwner(client, named);
  if (owner !== undefined) throw new ForeignQueueError(named.queue, owner);
  await mark(client, named, true);
}

/** Marks the queue as Lovage's, whoever created it. */
export async function adoptQueue(client: RedisClient, named: NamedQueue): Promise<void> {
  await mark(client, named, true);
  await client.sadd(named.keys.queues, named.queue);
}

/** The other program that created this queue, in words; undefined when it is Lovage's or not there yet. */
export async function ownerOf(client: RedisClient, named: NamedQueue): Promise<string | undefined> {
  const marked = await client.hexists(keyOf(named, 'meta'), ownerField);
  return marked === 1 ? undefined : foreignOwner(client, named);
}

async function mark(client: RedisClient, named: NamedQueue, always: boolean): Promise<boolean> {
  const keys = ['meta', 'id', 'wait'].map((part) => keyOf(named, part)) as [string, string, string];
  return (await scriptsOf(client).claimQueue(keys, [always ? '1' : '0'])) === 1;
}

/** For a queue without a mark: made by a version before the mark, emptied under a producer that runs, or foreign. */
async function foreignOwner(client: RedisClient, named: NamedQueue): Promise<string | undefined> {
  if ((await client.sismember(named.keys.queues, named.queue)) === 1) return undefined; // published to by an older version
  const { ours, foreign } = await sampleJobs(client, named);
  const version = await client.hget(keyOf(named, 'meta'), 'version');
  const program = version === null ? 'another program' : `BullMQ (${version})`;
  if (foreign > 0) return `${program}, whose jobs it holds`;
  if (ours > 0 || version === null) return undefined;
  return (await isUsed(client, named)) ? program : undefined;
}

/** Not where only a dashboard has opened it: that writes the metadata and adds no jobs. */
async function isUsed(client: RedisClient, named: NamedQueue): Promise<boolean> {
  if ((await client.exists(keyOf(named, 'id'), keyOf(named, 'repeat'))) > 0) return true;
  if (isCluster(client)) return false; // each node has a list of its own
  const list = await (client.client('LIST') as Promise<string>).catch(() => ''); // the user may not ask
  return clientNames(list).has(bullWorkerName(named));
}

/** The names of the connections in Redis's CLIENT LIST. */
export function clientNames(list: string): ReadonlySet<string> {
  return new Set([...list.matchAll(/ name=(\S*)/g)].map(([, name = '']) => name));
}

/** How BullMQ names the blocking connection of a worker that has no name; ours have one. */
export function bullWorkerName({ keys, queue }: NamedQueue): string {
  return `${keys.bull}:${Buffer.from(keys.bullQueue(queue)).toString('base64')}`;
}

async function sampleJobs(
  client: RedisClient,
  named: NamedQueue,
): Promise<{ readonly ours: number; readonly foreign: number }> {
  const ids = await Promise.all([
    ...lists.map((state) => listed(client.lrange(keyOf(named, state), 0, sampled - 1))),
    ...sets.map((state) => listed(client.zrange(keyOf(named, state), 0, String(sampled - 1)))),
  ]);
  const jobs = await Promise.all(
    ids.flat().map(async (id) => ({ id, fields: await client.hmget(keyOf(named, id), 'name', 'data') })),
  );
  // Markers of older versions of BullMQ and jobs that ended meanwhile have no hash.
  const there = jobs.filter(({ fields }) => fields[0] !== null || fields[1] !== null);
  const ours = there.filter(({ id, fields: [name, data] }) => {
    return readJob({ id, name, data, timestamp: 0 }, named.queue).message !== undefined;
  }).length;
  return { ours, foreign: there.length - ours };
}

/** Nothing where the key is of another type, as in queues of programs that are not BullMQ. */
async function listed(reply: Promise<string[]>): Promise<string[]> {
  try {
    return await reply;
  } catch (error) {
    if (String(error).includes('WRONGTYPE')) return [];
    throw error;
  }
}

function keyOf({ keys, queue }: NamedQueue, part: string): string {
  return keys.job(queue, part);
}
