import { type Connection, type DriverContext, type Logger, systemClock } from '@lovage/core/driver';
import type { Cluster, Redis } from 'ioredis';
import { streamsDriver } from '../src/index.ts';
import type { RedisServer } from './redis-server.ts';

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

/** The server's URL, for the Streams driver. */
export function streamsUrl(server: RedisServer): string {
  return server.url.replace('redis://', 'redis+streams://');
}

/** A connection of a test to the Streams driver, with fields of its context replaced. */
export function connectStreams(server: RedisServer, fields: Partial<DriverContext> = {}): Connection {
  return streamsDriver.connect(streamsUrl(server), {
    clock: systemClock,
    logger: silent,
    prefix: undefined,
    connection: { socketTimeout: 15_000, connectTimeout: 5_000 },
    publishTimeout: 5_000,
    ...fields,
  });
}

/** A queue as its keys are spelled. */
export interface Place {
  readonly prefix: string;
  readonly queue: string;
  /** On a cluster a queue is a hash tag. */
  readonly cluster?: boolean;
}

/** A server, or a cluster. */
export interface Looked {
  readonly client: Redis | Cluster;
}

/** What the keys of a queue begin with. */
export function baseOf({ prefix, queue, cluster }: Place): string {
  return `lovage:${prefix}:stream:${cluster ? `{${queue}}` : queue}:`;
}

const names = ['front', ...Array.from({ length: 10 }, (_, band) => `p${band}`)];

/** Takes a running message away from its holder, as a sweep does when the lease has run out. */
export async function loseLease(server: Looked, place: Place, id: string): Promise<void> {
  const { client } = server;
  const base = baseOf(place);
  for (const name of names) {
    const stream = base + name;
    const pending = ((await client.xpending(stream, 'lovage', '-', '+', 1_000).catch(() => [])) as [string][]).map(
      ([entry]) => entry,
    );
    for (const entry of pending) {
      const [[, fields = []] = []] = await client.xrange(stream, entry, entry);
      if (fields[0] !== id) continue;
      const lost = Number(fields[fields.indexOf('lost') + 1] ?? 0) || 0;
      const band = name === 'front' ? (fields[fields.indexOf('band') + 1] ?? '0') : name.slice(1);
      await client
        .multi()
        .xadd(`${base}front`, '*', id, fields[1] ?? '', 'band', band, 'lost', lost + 1)
        .xack(stream, 'lovage', entry)
        .xdel(stream, entry)
        .exec();
    }
  }
}

/** An entry as a broken producer would leave it: `body` is its value, its field is the id it says. */
export async function injectEntry(server: Looked, place: Place, body: string): Promise<void> {
  const id = /"id":"([^"]*)"/.exec(body)?.[1] ?? 'foreign';
  await server.client.xadd(`${baseOf(place)}p0`, '*', id, body);
}
