import { type Connection, newTaskId } from '@lovage/core/driver';
import { describe, expect, it } from 'vitest';
import { connect, consume, createMessage, required } from './bench.ts';
import type { RedisServer } from './redis-server.ts';
import { connectStreams } from './streams-bench.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

/** Each driver, and what only a purge that deletes messages says to Redis. */
const drivers: readonly [string, (url: string, prefix: string) => Connection, string][] = [
  ['redis', (url, prefix) => connect(url, { prefix }), '\r\n$11\r\nprioritized\r\n'],
  ['redis+streams', (url, prefix) => connectStreams({ url } as RedisServer, { prefix }), '\r\n500\r\n'],
];

describe.each(drivers)('%s', (_name, connectTo, purging) => {
  /** A connection through a proxy, and one message that runs. */
  async function open() {
    const proxy = await TcpProxy.start(redis.server.port);
    const connection = connectTo(proxy.url, `t${newTaskId()}`);
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
    const lost = proxy.dropReplyTo(purging);
    const purged = await monitor.purge('alpha');
    await lost;
    expect([...purged].sort()).toEqual([...ids].sort());
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
});
