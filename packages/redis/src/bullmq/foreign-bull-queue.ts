import type { ForeignJob, ForeignJobPage, ForeignQueue, ForeignRest } from '@lovage/core/driver';
import type { RedisClient } from '../connection.ts';
import { scriptsOf } from '../scripts/scripts.ts';
import type { StoreLink } from '../store-link.ts';
import { readJob } from './job-message.ts';
import { adoptQueue, type NamedQueue, ownerOf } from './queue-owner.ts';

const fields = ['name', 'data', 'opts', 'timestamp', 'delay', 'atm', 'parentKey'] as const;
/** BullMQ's score of a delayed job: its time times 4096. */
const timeFactor = 4096;
/** What stands in each place, the next to run first. */
const places = ['wait', 'paused', 'prioritized', 'delayed'] as const;

/** A job's id, and when it is due. */
interface PlacedJob {
  readonly id: string;
  readonly dueAt?: number;
}

const isList = (place: (typeof places)[number]): boolean => place === 'wait' || place === 'paused';

/** A queue of BullMQ without Lovage, or one of Lovage's. */
export class ForeignBullQueue implements ForeignQueue {
  readonly #link: StoreLink;
  readonly #named: NamedQueue;

  constructor(link: StoreLink, named: NamedQueue) {
    this.#link = link;
    this.#named = named;
  }

  owner(): Promise<string | undefined> {
    return this.#link.run((client) => ownerOf(client, this.#named));
  }

  adopt(): Promise<void> {
    return this.#link.run((client) => adoptQueue(client, this.#named));
  }

  jobs(from: number, limit: number): Promise<ForeignJobPage> {
    return this.#link.run(async (client) => {
      const ids = await this.#ids(client, from, limit);
      const read = await Promise.all(ids.map(({ id, dueAt }) => this.#read(client, id, dueAt)));
      const jobs = read.filter((job) => job !== undefined);
      return { jobs, ...(ids.length < limit ? {} : { next: from + ids.length }) };
    });
  }

  rest(): Promise<ForeignRest> {
    return this.#link.run(async (client) => {
      const [running, parents, repeat] = await Promise.all([
        client.llen(this.#key('active')),
        client.zcard(this.#key('waiting-children')),
        client.zrange(this.#key('repeat'), 0, '-1'),
      ]);
      const rules = await Promise.all(
        repeat.map(async (id) => {
          const [pattern, every] = await client.hmget(this.#key(`repeat:${id}`), 'pattern', 'every');
          return [id, pattern ?? (every ? `every ${every} ms` : 'unknown')] as const;
        }),
      );
      return { running, parents, schedulers: Object.fromEntries(rules) };
    });
  }

  async remove(ids: readonly string[]): Promise<void> {
    const keys = ['delayed', 'prioritized', 'wait', 'events'].map((part) => this.#key(part));
    await this.#link.run((client) =>
      scriptsOf(client).removeJobs(keys as [string, string, string, string], [this.#key(''), ...ids]),
    );
  }

  async #ids(client: RedisClient, from: number, limit: number): Promise<readonly PlacedJob[]> {
    const found: PlacedJob[] = [];
    let skip = from;
    for (const place of places) {
      const size = await (isList(place) ? client.llen(this.#key(place)) : client.zcard(this.#key(place)));
      const left = limit - found.length;
      if (left > 0 && skip < size) found.push(...(await this.#idsOf(client, place, { skip, count: left })));
      skip = Math.max(0, skip - size);
    }
    return found;
  }

  async #idsOf(
    client: RedisClient,
    place: (typeof places)[number],
    { skip, count }: { readonly skip: number; readonly count: number },
  ): Promise<readonly PlacedJob[]> {
    const key = this.#key(place);
    if (isList(place)) {
      const ids = await client.lrange(key, -(skip + count), -(skip + 1)); // the oldest is the last
      return ids.reverse().map((id) => ({ id }));
    }
    const scored = await client.zrange(key, skip, String(skip + count - 1), 'WITHSCORES');
    const pairs = scored.flatMap((id, at) => (at % 2 === 0 ? [{ id, score: Number(scored[at + 1]) }] : []));
    return pairs.map(({ id, score }) => (place === 'delayed' ? { id, dueAt: Math.floor(score / timeFactor) } : { id }));
  }

  async #read(client: RedisClient, id: string, dueAt: number | undefined): Promise<ForeignJob | undefined> {
    const [name, data, opts, timestamp, , attemptsMade, parent] = await client.hmget(this.#key(id), ...fields);
    if (name === null && data === null) return undefined; // a marker of older versions, or gone meanwhile
    const raw = { id, name, data, timestamp: Number(timestamp) || 0 };
    if (readJob(raw, this.#named.queue).message !== undefined) return undefined; // Lovage's own
    return {
      id,
      name: name ?? '',
      data: read(data),
      options: (read(opts) ?? {}) as Readonly<Record<string, unknown>>,
      addedAt: Number(timestamp) || 0,
      attemptsMade: Number(attemptsMade) || 0,
      ...(dueAt === undefined ? {} : { dueAt }),
      ...(parent ? { parent } : {}),
    };
  }

  #key(part: string): string {
    return this.#named.keys.job(this.#named.queue, part);
  }
}

function read(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return text;
  }
}
