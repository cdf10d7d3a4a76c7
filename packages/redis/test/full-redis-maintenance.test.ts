import { type Connection, defaultRetention, newTaskId, systemClock } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { redisDriver, streamsDriver } from '../src/index.ts';
import { consume, createMessage, emptied, required, silent, success } from './bench.ts';
import { streamsUrl } from './streams-bench.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

afterEach(async () => {
  await redis.server.client.config('SET', 'maxmemory', 0);
});

const fill = (): Promise<unknown> => redis.server.client.config('SET', 'maxmemory', 1_000);

describe.each([
  ['redis', redisDriver, () => redis.server.url],
  ['redis+streams', streamsDriver, () => streamsUrl(redis.server)],
])('a full Redis, on %s,', (_name, driver, url) => {
  function open(): Connection {
    const connection = driver.connect(url(), {
      ...{ logger: silent, prefix: `t${newTaskId()}`, publishTimeout: 5_000 },
      clock: systemClock,
      connection: { socketTimeout: 15_000, connectTimeout: 5_000 },
      retention: { ...defaultRetention, results: 10, grace: 0 },
    });
    redis.endings.push(() => connection.close(2_000));
    return connection;
  }

  it('is rid of what its workers stored meanwhile', async () => {
    const connection = open();
    const messages = Array.from({ length: 60 }, () => createMessage());
    await required(connection.broker).publish(messages);
    await fill();
    await consume(connection, { slots: 20 }, async ({ message }) => success(message.id, 'done'));
    await emptied(connection);
    const left = async (): Promise<number> => {
      await connection.sweep?.();
      const records = await required(connection.results).get(messages.map(({ id }) => id));
      return records.filter((record) => record !== undefined).length;
    };
    await until(async () => (await left()) <= 10, { what: 'all results but ten to be swept', timeout: 4_000 });
  });

  it('lets messages be taken out that wait', async () => {
    const connection = open();
    const monitor = required(connection.monitor);
    const messages = Array.from({ length: 4 }, () => createMessage());
    await required(connection.broker).publish(messages);
    const [first, second, ...rest] = messages.map(({ id }) => id);
    await fill();
    expect(await monitor.remove?.([first as string])).toEqual([true]);
    expect(await monitor.remove?.([second as string])).toEqual([true]);
    expect([...(await monitor.purge('alpha'))].sort()).toEqual([...rest].sort());
  });

  it('can be paused and resumed, queue by queue', async () => {
    const connection = open();
    const monitor = required(connection.monitor);
    await required(connection.broker).publish([createMessage()]);
    await fill();
    await monitor.setPaused?.('alpha', true);
    await monitor.setPaused?.('beta', true);
    expect((await monitor.counts(['alpha', 'beta'])).map(({ paused }) => paused)).toEqual([true, true]);
    await monitor.setPaused?.('alpha', false);
    expect((await monitor.counts(['alpha']))[0]?.paused).toBe(false);
  });

  it('records members of groups, and keeps a key halted', async () => {
    const connection = open();
    const { semaphore } = connection;
    const place = { group: 'g', queue: 'alpha', id: newTaskId() };
    await required(semaphore).acquire([{ ...place, limit: 1 }]);
    await fill();
    const member = { groupId: newTaskId(), index: 0, size: 2, succeeded: false, ttl: 60_000 };
    expect(await required(connection.results).join(member)).toEqual({ done: 1, failed: 1, complete: false });
    expect(await required(semaphore).halt(place)).toBe(true);
  });

  it('still hears who is there', async () => {
    const connection = open();
    const sharedRegistry = required(connection.sharedRegistry);
    await sharedRegistry.put('members', 'one', 1, 60_000);
    await fill();
    await sharedRegistry.put('members', 'one', 2, 60_000);
    expect(await sharedRegistry.list('members')).toEqual([{ name: 'one', value: 2 }]);
  });
});
