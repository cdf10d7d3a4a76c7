import { newTaskId, systemClock } from '@lovage/core/driver';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { redisDriver, streamsDriver } from '../src/index.ts';
import { consume, createMessage, emptied, required, silent, success } from './bench.ts';
import { RedisServer } from './redis-server.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
  await server.client.call('ACL', 'SETUSER', 'worker', 'on', '>secret', '~*', '+@all', 'resetchannels');
});
afterAll(() => server.stop());

it.each([
  ['redis', redisDriver],
  ['redis+streams', streamsDriver],
])('a user who may use no channels has slow word of results, and nothing worse: %s', async (scheme, driver) => {
  const connection = driver.connect(`${scheme}://worker:secret@127.0.0.1:${server.port}/0`, {
    ...{ logger: silent, clock: systemClock, prefix: `t${newTaskId()}`, publishTimeout: 5_000 },
    connection: { socketTimeout: 15_000, connectTimeout: 5_000 },
  });
  const plain = createMessage({ replyTo: 'inbox' });
  const delayed = createMessage({ replyTo: 'inbox', eta: Date.now() + 50 });
  await required(connection.broker).publish([plain, delayed]);
  const seen = await consume(connection, { leaseDuration: 120_000 }, async ({ message }) =>
    message.retries === 0
      ? { kind: 'retryAt', message: { ...message, retries: 1 }, at: Date.now() + 50 }
      : success(message.id, 'done', 'inbox'),
  );
  await seen.arrived(4, 15_000);
  await emptied(connection);
  const records = await required(connection.results).get([plain.id, delayed.id]);
  expect(records.map((record) => record?.state)).toEqual(['SUCCESS', 'SUCCESS']);
  expect(seen.deliveries.map(({ message, deliveryCount }) => [message.retries, deliveryCount]).sort()).toEqual([
    [0, 1],
    [0, 1],
    [1, 1],
    [1, 1],
  ]);
  await connection.close(1_000);
});
