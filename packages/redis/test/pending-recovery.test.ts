import { type Connection, newTaskId } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { expect, it, onTestFinished } from 'vitest';
import { scriptsOf } from '../src/scripts/scripts.ts';
import { group } from '../src/streams/entry/stream-queue.ts';
import { ack, consume, createMessage, emptied, required } from './bench.ts';
import type { RedisServer } from './redis-server.ts';
import { baseOf, connectStreams } from './streams-bench.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { useRedis } from './use-redis.ts';

/** Leases last longer than any test here: what comes back in time was found, not swept. */
const leaseDuration = 120_000;

const redis = useRedis();

interface Bench {
  readonly proxy: TcpProxy;
  /** Straight to the redis.server. */
  readonly producer: Connection;
  /** Through the proxy. */
  readonly worker: Connection;
  readonly base: string;
}

async function open(): Promise<Bench> {
  const prefix = `t${newTaskId()}`;
  const proxy = await TcpProxy.start(redis.server.port);
  const through = { url: proxy.url } as RedisServer;
  const connection = { socketTimeout: 2_000, connectTimeout: 1_000 };
  const producer = connectStreams(redis.server, { prefix });
  const worker = connectStreams(through, { prefix, connection });
  redis.endings.push(
    () => proxy.stop(),
    () => producer.close(1_000),
    () => worker.close(1_000),
  );
  return { proxy, producer, worker, base: baseOf({ prefix, queue: 'alpha' }) };
}

async function waiting(): Promise<void> {
  await until(async () => !(await redis.server.client.info('clients')).includes('blocked_clients:0'), {
    what: 'a waiting read',
  });
}

it.each([
  ['waits', 'BLOCK'],
  ['fetches', 'tester:'], // the first command that says the consumer's name
])('messages whose reply was lost while the worker %s are run, once and as first deliveries', async (_what, match) => {
  const { proxy, producer, worker } = await open();
  const messages = Array.from({ length: 20 }, () => createMessage());
  const publish = (): Promise<void> => required(producer.broker).publish(messages);
  if (match !== 'BLOCK') await publish();
  const dropped = match === 'BLOCK' ? undefined : proxy.dropReplyTo(match);
  const seen = await consume(worker, { slots: 50, leaseDuration });
  if (match === 'BLOCK') {
    await waiting();
    await proxy.dropReplyTo(match); // the next read
    await publish();
  }
  await dropped;
  await seen.arrived(20, 8_000);
  await emptied(producer);
  expect(seen.deliveries.map(({ message }) => message.id).sort()).toEqual(messages.map(({ id }) => id).sort());
  expect(seen.deliveries.every(({ deliveryCount }) => deliveryCount === 1)).toBe(true);
});

it('what a read had been handed when it failed is run as soon as reads succeed', async () => {
  const { producer, base } = await open();
  const removed = createMessage();
  await required(producer.broker).publish([removed, createMessage(), createMessage()]);
  await producer.monitor?.remove?.([removed.id]);
  await redis.server.client.acl('SETUSER', 'default', '-xack'); // the script fails behind its XREADGROUP
  onTestFinished(async () => void (await redis.server.client.acl('SETUSER', 'default', '+@all')));
  const seen = await consume(producer, { slots: 5, leaseDuration });
  await until(() => seen.errors.length > 0, { what: 'the failure' });
  expect((await redis.server.client.xpending(`${base}p0`, 'lovage'))[0]).toBe(3);
  await redis.server.client.acl('SETUSER', 'default', '+@all');
  await seen.arrived(2, 5_000);
  await emptied(producer);
});

it('what a dead connection is handed is run as soon as it is given up', async () => {
  const { proxy, producer, worker } = await open();
  const seen = await consume(worker, { slots: 5, leaseDuration });
  await required(producer.broker).publish([createMessage()]);
  await seen.arrived(1);
  await waiting();
  proxy.swallow();
  const began = performance.now();
  await required(producer.broker).publish([createMessage(), createMessage()]);
  await seen.arrived(3, 10_000);
  expect(performance.now() - began).toBeLessThan(5_000);
  await emptied(producer);
  expect(seen.deliveries).toHaveLength(3);
});

it('a held-up worker that comes back leaves alone what it holds, and what others took over', async () => {
  const { proxy, producer, worker } = await open();
  const ends: (() => void)[] = [];
  const seen = await consume(
    worker,
    { slots: 5, leaseDuration: 1_500, orphanInterval: 60_000 },
    () => new Promise((resolve) => ends.push(() => resolve(ack))),
  );
  await required(producer.broker).publish([createMessage()]);
  await seen.arrived(1);
  proxy.swallow(); // its renewals too
  const other = await consume(producer, { slots: 5, leaseDuration: 1_500, orphanInterval: 200 });
  await other.arrived(1, 8_000);
  await until(() => seen.errors.some(({ message }) => message.includes('lost')), {
    timeout: 8_000,
    what: 'the holder to learn of it',
  });
  const next = createMessage();
  await other.consumer.close(1_000);
  await required(producer.broker).publish([next]);
  await until(() => seen.deliveries.at(-1)?.message.id === next.id, { timeout: 8_000, what: 'the next message' });
  for (const end of ends) end();
  await emptied(producer);
  expect(seen.deliveries).toHaveLength(2);
  expect(other.deliveries).toHaveLength(1);
});

it('a consumer goes from the group when it closes, and one that crashed when it has been silent for long', async () => {
  const { producer, base } = await open();
  const names = async (): Promise<string[]> =>
    ((await redis.server.client.xinfo('CONSUMERS', `${base}p0`, 'lovage')) as string[][]).map(([, name]) =>
      String(name),
    );
  const seen = await consume(producer, { worker: 'first' });
  await required(producer.broker).publish([createMessage()]);
  await seen.arrived(1);
  await emptied(producer);
  expect(await names()).toEqual([expect.stringMatching(/^first:/)]);
  await redis.server.client.xgroup('CREATECONSUMER', `${base}p0`, 'lovage', 'crashed');
  await seen.consumer.close(1_000);
  expect(await names()).toEqual(['crashed']);
  const sweep = async (kept: number): Promise<unknown> => {
    await redis.server.client.del(`${base}tidied`);
    return scriptsOf(redis.server.client).streamSweep([base], [group, 30_000, 100, 0, kept]);
  };
  await sweep(60_000);
  expect(await names()).toEqual(['crashed']);
  await until(async () => (await sweep(1)) === 0 && (await names()).length === 0, { what: 'it to be deleted' });
});
