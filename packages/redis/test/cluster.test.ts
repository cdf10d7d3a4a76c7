import { type Connection, newTaskId } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect, consume, createMessage, emptied, required, success } from './bench.ts';
import { RedisServer } from './redis-server.ts';

let server: RedisServer;
let connection: Connection;
beforeAll(async () => {
  server = await RedisServer.start({ 'cluster-enabled': 'yes', 'cluster-announce-ip': '127.0.0.1' });
  await server.client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  await until(async () => String(await server.client.call('CLUSTER', 'INFO')).includes('cluster_state:ok'), {
    what: 'the cluster',
  });
  connection = connect(server.url.replace('redis:', 'redis+cluster:'), { prefix: undefined });
});
afterAll(async () => {
  await connection.close(2_000);
  await server.stop();
});

it('works on a cluster: every key of a script is in one slot', async () => {
  expect((await connection.check(5_000)).version).toMatch(/^Redis 7/);
  const rings: string[] = [];
  await required(connection.results).watch('inbox', ({ id }) => rings.push(id));
  const seen = await consume(
    connection,
    { queues: ['one', 'two'] },
    async ({ message: { id, args, retries, ...rest } }) => {
      if (args[0] === 'retry' && retries === 0) {
        return { kind: 'retryAt', at: Date.now(), message: { ...rest, id, args, retries: 1 } };
      }
      return args[0] === 'bad'
        ? { kind: 'deadLetter', reason: { name: 'Reject', message: 'no' } }
        : success(id, 'done', 'inbox');
    },
  );
  const messages = ['good', 'retry', 'bad'].map((what, index) =>
    createMessage({ args: [what], queue: index % 2 ? 'two' : 'one' }),
  );
  await required(connection.broker).publish(messages);
  for (const queue of ['one', 'two']) await emptied(connection, queue);
  expect(seen.errors).toEqual([]);
  const records = await required(connection.results).get(messages.map((message) => message.id));
  expect(records.map((record) => record?.value)).toEqual(['done', 'done', undefined]);
  expect(await required(connection.monitor).counts(['one'])).toMatchObject([{ dead: 1 }]);
  await until(() => rings.length === 2, { what: 'the rings' });
  const group = newTaskId();
  expect(
    await required(connection.results).join({ groupId: group, index: 0, size: 2, succeeded: false, ttl: 1_000 }),
  ).toEqual({
    done: 1,
    failed: 1,
    complete: false,
  });
  expect(await required(connection.leases).acquire('beat', 'me', 1_000)).toEqual({ token: 1 });
  await seen.consumer.close(1_000);
});
