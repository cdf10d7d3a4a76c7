import { type Connection, newTaskId, type Settlement } from '@lovage/core/driver';
import { deferred, until } from '@lovage/core/testing';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterEach, expect, it } from 'vitest';
import { ack, connect as connectTo, consume, createMessage, required } from './bench.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();
const open: Connection[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((connection) => connection.close(1_000)));
});

function connect(prefix: string): Connection {
  const connection = connectTo(redis.server.url, { prefix });
  open.push(connection);
  return connection;
}

it('removes what waits or is delayed in any queue, and nothing that runs or has ended', async () => {
  const connection = connect(newTaskId());
  const monitor = required(connection.monitor);
  const gate = deferred<Settlement>();
  const failure = { name: 'Error', message: 'no' };
  const seen = await consume(
    connection,
    { queues: ['done', 'busy'], slots: 2 },
    async ({ queue, message: { id, task } }) =>
      queue === 'busy'
        ? gate.promise
        : { kind: 'ack', outcome: { record: { id, task, state: 'FAILURE', failure, attempts: 1, at: 1 }, ttl: 9_000 } },
  );
  const running = createMessage({ queue: 'busy' });
  const failed = createMessage({ queue: 'done' });
  await required(connection.broker).publish([running, failed]);
  await seen.arrived(2);
  await until(async () => (await monitor.locate([failed.id]))[0] === undefined);
  const waiting = createMessage({ id: '42' });
  const delayed = createMessage({ eta: Date.now() + 60_000 });
  const other = createMessage({ queue: 'beta' });
  await required(connection.broker).publish([waiting, delayed, other]);
  const ids = [running, failed, waiting, delayed, other].map((message) => message.id);
  const remove = required(monitor.remove).bind(monitor);
  expect(await remove(ids, ['beta'])).toEqual([false, false, false, false, true]);
  expect(await remove(ids)).toEqual([false, false, true, true, false]);
  expect(await remove(ids)).toEqual(ids.map(() => false));
  expect(await remove([])).toEqual([]);
  expect(await monitor.locate(ids)).toEqual(['running', undefined, undefined, undefined, undefined]);
  gate.resolve(ack);
});

it('pauses as BullMQ does, so that its tools see it and can end it', async () => {
  const prefix = newTaskId();
  const monitor = required(connect(prefix).monitor);
  const queue = new Queue('alpha', { prefix, connection: { url: redis.server.url } });
  await monitor.setPaused?.('alpha', true);
  expect(await queue.isPaused()).toBe(true);
  await queue.resume();
  expect(await monitor.counts(['alpha'])).toMatchObject([{ paused: false }]);
  await queue.pause();
  expect(await monitor.counts(['alpha'])).toMatchObject([{ paused: true }]);
  await queue.close();
});

it('removes a task that waits again because its worker was lost', async () => {
  const prefix = newTaskId();
  const connection = connect(prefix);
  const message = createMessage();
  await required(connection.broker).publish([message]);
  await redis.server.client.multi().del(`${prefix}:alpha:prioritized`).rpush(`${prefix}:alpha:wait`, message.id).exec();
  expect(await required(connection.monitor).locate([message.id])).toEqual(['waiting']);
  expect(await required(connection.monitor?.remove).call(connection.monitor, [message.id])).toEqual([true]);
  expect(await redis.server.client.exists(`${prefix}:alpha:wait`, `${prefix}:alpha:${message.id}`)).toBe(0);
});

it("purges more than one script's share, and leaves no key of a job behind", async () => {
  const prefix = newTaskId();
  const connection = connect(prefix);
  const messages = Array.from({ length: 1_201 }, (_, index) =>
    createMessage(index % 3 === 0 ? { eta: Date.now() + 60_000 } : { priority: index % 10 }),
  );
  await required(connection.broker).publish(messages);
  const purged = await required(connection.monitor).purge('alpha');
  expect(new Set(purged)).toEqual(new Set(messages.map((message) => message.id)));
  const left = await redis.server.client.keys(`${prefix}:alpha:*`);
  expect(left.map((key) => key.split(':').at(-1)).sort()).toEqual(['events', 'id', 'marker', 'meta', 'pc']);
});

it("bounds the events that BullMQ keeps, and agrees with BullMQ's own counts", async () => {
  const prefix = newTaskId();
  const connection = connect(prefix);
  await required(connection.broker).publish([createMessage(), createMessage({ eta: Date.now() + 60_000 })]);
  expect(await redis.server.client.hget(`${prefix}:alpha:meta`, 'opts.maxLenEvents')).toBe('1000');
  const client = new Redis(redis.server.port, '127.0.0.1', { maxRetriesPerRequest: null });
  const queue = new Queue('alpha', { connection: client, prefix, skipMetasUpdate: true });
  expect(await queue.getJobCounts('prioritized', 'delayed', 'active')).toEqual({
    prioritized: 1,
    delayed: 1,
    active: 0,
  });
  expect(await required(connection.monitor).counts(['alpha'])).toMatchObject([{ waiting: 1, delayed: 1, running: 0 }]);
  await queue.close();
  client.disconnect();
});
