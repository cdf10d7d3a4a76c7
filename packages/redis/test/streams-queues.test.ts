import { newTaskId } from '@lovage/core/driver';
import { afterEach, expect, it, vi } from 'vitest';
import { RedisClients } from '../src/connection.ts';
import { consume, createMessage, emptied, required } from './bench.ts';
import { baseOf, connectStreams } from './streams-bench.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

afterEach(async () => {
  vi.restoreAllMocks();
});

it('a queue that is removed while its connection is made is left alone', async () => {
  const prefix = `t${newTaskId()}`;
  const connection = connectStreams(redis.server, { prefix });
  redis.endings.push(() => connection.close(1_000));
  let go: () => void = () => {};
  const going = new Promise<void>((resolve) => {
    go = resolve;
  });
  let asked: () => void = () => {};
  const asking = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const { reader } = RedisClients.prototype;
  vi.spyOn(RedisClients.prototype, 'reader').mockImplementationOnce(async function (this: RedisClients, name) {
    asked();
    await going;
    return reader.call(this, name);
  });
  const left = await consume(connection, { queues: [] });
  const adding = left.consumer.addQueue('alpha');
  await asking;
  await left.consumer.removeQueue('alpha');
  go();
  await adding;
  const other = await consume(connection);
  await required(connection.broker).publish([createMessage(), createMessage()]);
  await other.arrived(2);
  await emptied(connection);
  expect(left.deliveries).toHaveLength(0);
  const front = (await redis.server.client.xinfo('STREAM', `${baseOf({ prefix, queue: 'alpha' })}front`)) as unknown[];
  expect(front[front.indexOf('last-generated-id') + 1], 'nothing was handed back').toBe('0-0');
});
