import { Lovage } from '@lovage/core';
import { newTaskId } from '@lovage/core/driver';
import { Inspector } from '@lovage/core/inspect';
import { until } from '@lovage/core/testing';
import { startWorker } from '@lovage/core/worker';
import { describe, expect, it } from 'vitest';
import { redisDriver, streamsDriver } from '../src/index.ts';
import { streamsUrl } from './streams-bench.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

describe.each(['redis', 'redis+streams'])('the keys of the admission on %s', (driver) => {
  it('may be lost: the calls that they held back run all the same', async () => {
    const broker = driver === 'redis' ? redis.server.url : streamsUrl(redis.server);
    const prefix = `t${newTaskId()}`;
    const app = new Lovage('keys', { broker, prefix, drivers: [redisDriver, streamsDriver], logLevel: 'silent' });
    const limited = app.task({ name: 'limited', concurrency: { limit: 2 } }, (nth: number) => nth);
    const ordered = app.task({ name: 'ordered', orderingKey: ([key]) => key }, (_key: string, nth: number) => nth);
    try {
      const inspector = new Inspector(app);
      const results = await ordered.delayMany([0, 1, 2].map((nth) => ['a', nth] as [string, number]));
      await until(async () => (await inspector.queues())[0]?.blocked === 2, { what: 'two calls to be held' });
      const keys = await redis.server.client.keys(`lovage:${prefix}:admission:*`);
      expect(keys.length).toBeGreaterThan(3);
      await redis.server.client.del(keys);
      await startWorker(app, { concurrency: 2, drain: 1 });
      const more = await limited.delayMany([0, 1, 2].map((nth) => [nth] as [number]));
      const values = await Promise.all([...results, ...more].map((result) => result.get({ timeout: '30s' })));
      expect(values).toEqual([0, 1, 2, 0, 1, 2]);
    } finally {
      await app.close();
    }
  });
});
