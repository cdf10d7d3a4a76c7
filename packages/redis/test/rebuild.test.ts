import { type ConsumeRequest, newTaskId, systemClock } from '@lovage/core/driver';
import { deferred, until } from '@lovage/core/testing';
import { expect, it } from 'vitest';
import { type RedisClient, RedisClients } from '../src/connection.ts';
import { createKeys } from '../src/keys.ts';
import { parseRedisUrl } from '../src/redis-url.ts';
import { scriptsOf } from '../src/scripts/scripts.ts';
import type { ReadContext } from '../src/streams/consumer-context.ts';
import { readEntry } from '../src/streams/entry/entry.ts';
import { createStreamQueue, group, type StreamQueue } from '../src/streams/entry/stream-queue.ts';
import { InFlightDeliveries } from '../src/streams/read/in-flight-deliveries.ts';
import { type EntryDispatcher, ReaderPool } from '../src/streams/read/reader-pool.ts';
import { StreamDelivery } from '../src/streams/settle/delivery.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

/** Holds the reply of the next fetch that brings something back. */
function holdFetch(client: RedisClient): { readonly held: Promise<void>; release(): void } {
  const scripts = scriptsOf(client);
  const original = scripts.streamFetch;
  const [held, gate] = [deferred(), deferred()];
  scripts.streamFetch = async (...given) => {
    const reply = await original(...given);
    if (reply[0].length === 0) return reply;
    scripts.streamFetch = original;
    held.resolve();
    await gate.promise;
    return reply;
  };
  return { held: held.promise, release: () => gate.resolve() };
}

interface Bench {
  readonly client: RedisClient;
  readonly queue: StreamQueue;
  readonly readers: ReaderPool;
  /** Entries that were taken, each as often as it was. */
  readonly taken: string[];
  publish(count: number): Promise<void>;
  close(): Promise<void>;
}

async function open(): Promise<Bench> {
  const target = parseRedisUrl(redis.server.url);
  const clients = new RedisClients(target, { socketTimeout: 15_000, connectTimeout: 5_000 });
  const client = await clients.shared('worker');
  const keys = createKeys(target, newTaskId());
  const queue = createStreamQueue(keys, 'alpha');
  await scriptsOf(client).streamOpen([queue.base], [group]);
  const held = new InFlightDeliveries();
  const taken: string[] = [];
  const onError = (error: Error): void => expect.unreachable(error.message);
  const request = { worker: 'tester' } as ConsumeRequest;
  const context: ReadContext = { clients, client, clock: systemClock, keys, name: 'tester', request, held, onError };
  const sink: EntryDispatcher = {
    source: undefined,
    get room() {
      return 100 - held.size;
    },
    take: (stream, entries) => {
      for (const entry of entries) {
        held.add(new StreamDelivery(stream, entry[0], readEntry(entry, stream), 0));
        taken.push(entry[0]);
      }
    },
  };
  const readers = new ReaderPool(context, sink);
  const publish = async (count: number): Promise<void> => {
    const add = client.multi();
    for (let index = 0; index < count; index += 1) add.xadd(`${queue.base}p0`, '*', newTaskId(), '["t",[]]');
    await add.exec();
  };
  const close = async (): Promise<void> => {
    readers.stop();
    await until(() => !readers.reading, { what: 'the reads to end' });
    readers.close();
    clients.close();
  };
  return { client, queue, readers, taken, publish, close };
}

const pendingOf = async ({ queue }: Bench): Promise<number> =>
  Number((await redis.server.client.xpending(`${queue.base}p0`, group))[0]);

it('what a fetch brings after its intake was replaced, and the search has found, is taken once', async () => {
  const bench = await open();
  const late = holdFetch(bench.client);
  await bench.publish(5);
  await bench.readers.addAll([bench.queue]);
  bench.readers.start();
  await late.held;
  expect(bench.taken).toEqual([]);
  await bench.readers.rebuild();
  await until(() => bench.taken.length === 5, { what: 'the search to find them' });
  late.release();
  await bench.publish(1);
  await until(async () => bench.taken.length >= 6 && (await pendingOf(bench)) === 6, { what: 'the next one' });
  expect(new Set(bench.taken).size).toBe(6);
  expect(bench.taken).toHaveLength(6);
  await bench.close();
});

it('what a fetch is handed after the search has looked is found by another search, and taken once', async () => {
  const bench = await open();
  await bench.readers.addAll([bench.queue]);
  const scripts = scriptsOf(bench.client);
  const original = scripts.streamFetch;
  const [asked, gate] = [deferred(), deferred()];
  scripts.streamFetch = async (...given) => {
    scripts.streamFetch = original;
    asked.resolve();
    await gate.promise; // the command reaches Redis late, as one that is sent again on a new connection
    return original(...given);
  };
  bench.readers.start();
  await asked.promise;
  await bench.readers.rebuild();
  await until(async () => (await redis.server.client.info('clients')).includes('blocked_clients:1'), {
    what: 'a read',
  });
  bench.readers.stop(); // so that the late fetch is what gets them
  await until(() => !bench.readers.reading, { what: 'the read to end' });
  await bench.publish(5);
  gate.resolve();
  await until(async () => (await pendingOf(bench)) === 5, { what: 'the late fetch' });
  expect(bench.taken).toEqual([]);
  bench.readers.start();
  await until(() => bench.taken.length === 5, { what: 'the search to find them' });
  expect(new Set(bench.taken).size).toBe(5);
  await bench.close();
});
