import { newTaskId, timeOfTaskId } from '@lovage/core/driver';
import { expect, it } from 'vitest';
import { consume, createMessage, required } from './bench.ts';
import { RedisServer } from './redis-server.ts';
import { baseOf, connectStreams } from './streams-bench.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

it('a message is found in a long backlog by the time that its id tells', async () => {
  const own = await RedisServer.start();
  redis.endings.push(() => own.stop());
  const prefix = `t${newTaskId()}`;
  const connection = connectStreams(own, { prefix });
  redis.endings.push(() => connection.close(1_000));
  const base = baseOf({ prefix, queue: 'alpha' });
  const fill = own.client.pipeline();
  for (let index = 20_000; index > 0; index -= 1)
    fill.xadd(`${base}p5`, Date.now() - index * 150, `old-${index}`, '[]');
  const id = newTaskId();
  fill.xadd(`${base}p3`, Number(timeOfTaskId(id)) + 20, id, '["math.add",[2,3]]').sadd(`${base}known`, id);
  await fill.exec();
  const reads = async (): Promise<number> =>
    Number(/xrange:calls=(\d+)/.exec(await own.client.info('commandstats'))?.[1] ?? 0);
  expect(await required(connection.monitor).find?.([id], ['alpha'])).toMatchObject([{ id, args: [2, 3] }]);
  expect(await reads()).toBeLessThanOrEqual(11);
});

/** A connection through a proxy, some messages that wait, and one that runs. */
async function open() {
  const prefix = `t${newTaskId()}`;
  const proxy = await TcpProxy.start(redis.server.port);
  const connection = connectStreams({ url: proxy.url } as RedisServer, { prefix });
  redis.endings.push(
    () => proxy.stop(),
    () => connection.close(1_000),
  );
  const publish = async (count: number): Promise<string[]> => {
    const messages = Array.from({ length: count }, () => createMessage());
    await required(connection.broker).publish(messages);
    return messages.map(({ id }) => id);
  };
  const [running] = await publish(1);
  const seen = await consume(connection, { slots: 1 }, () => new Promise(() => {}));
  await seen.arrived(1);
  return { proxy, monitor: required(connection.monitor), publish, running: running as string };
}

it('a purge whose reply is lost tells all the same what it deleted', async () => {
  const { proxy, monitor, publish } = await open();
  const ids = await publish(700);
  const lost = proxy.dropReplyTo('\r\n500\r\n'); // how many at most
  const purged = await monitor.purge('alpha');
  await lost;
  expect(purged).toEqual(ids);
  expect(await monitor.purge('alpha')).toEqual([]);
  expect(await monitor.counts(['alpha'])).toMatchObject([{ waiting: 0, running: 1 }]);
});

it('a removal whose reply is lost is told as one', async () => {
  const { proxy, monitor, publish, running } = await open();
  const [first, second] = (await publish(2)) as [string, string];
  const lost = proxy.dropReplyTo(first);
  expect(await monitor.remove?.([first, running], ['alpha'])).toEqual([true, false]);
  await lost;
  expect(await monitor.locate([first, second])).toEqual([undefined, 'waiting']);
  expect(await monitor.remove?.(['unknown', running], ['alpha'])).toEqual([false, false]);
});
