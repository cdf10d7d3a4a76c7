import { newTaskId } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { QueueEvents } from 'bullmq';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { createKeys } from '../src/keys.ts';
import { connect, consume, createMessage, emptied, required, success } from './bench.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

const keysOf = (prefix: string) => createKeys({ kind: 'single', db: 0 }, prefix);

/** Runs five tasks on one slot: the first is fetched, the others come along with the one before them. */
async function drain(url: string, prefix: string): Promise<readonly string[]> {
  const connection = connect(url, { prefix });
  redis.endings.push(() => connection.close(2_000));
  const messages = Array.from({ length: 5 }, () => createMessage());
  await required(connection.broker).publish(messages);
  await consume(connection, { slots: 1 }, async ({ message }) => success(message.id, 'done'));
  await emptied(connection);
  return messages.map(({ id }) => id);
}

it('jobs that are added, begun and completed are not told to the event stream', async () => {
  const prefix = `t${newTaskId().slice(-12)}`;
  const ids = await drain(redis.server.url, prefix);
  const stream = await redis.server.client.xrange(keysOf(prefix).job('alpha', 'events'), '-', '+');
  const info = stream.map(([, event]) => event[event.indexOf('event') + 1]);
  expect(info).toEqual(['active']); // of the first: it is fetched by BullMQ's own script
  expect(ids).toHaveLength(5);
});

it("with ?queueEvents=true BullMQ's QueueEvents hear of every job", async () => {
  const prefix = `t${newTaskId().slice(-12)}`;
  const keys = keysOf(prefix);
  const connection = new Redis(redis.server.url, { maxRetriesPerRequest: null });
  const events = new QueueEvents(keys.bullQueue('alpha'), { connection, prefix: keys.bull });
  redis.endings.push(async () => {
    await events.close();
    connection.disconnect();
  });
  await events.waitUntilReady();
  const heard = { added: [] as string[], active: [] as string[], completed: [] as string[] };
  events.on('added', ({ jobId }) => heard.added.push(jobId));
  events.on('active', ({ jobId }) => heard.active.push(jobId));
  events.on('completed', ({ jobId }) => heard.completed.push(jobId));
  const ids = await drain(`${redis.server.url}?queueEvents=true`, prefix);
  await until(() => heard.completed.length === ids.length, { what: 'the last completed' });
  expect(heard).toEqual({ added: ids, active: ids, completed: ids });
});
