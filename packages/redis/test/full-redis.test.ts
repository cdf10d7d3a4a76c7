import { Lovage, type TaskOptions } from '@lovage/core';
import { newTaskId } from '@lovage/core/driver';
import { startWorker } from '@lovage/core/worker';
import { describe, expect, it, onTestFinished } from 'vitest';
import { redisDriver, streamsDriver } from '../src/index.ts';
import { streamsUrl } from './streams-bench.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

type Rule = Pick<TaskOptions, 'rateLimit' | 'concurrency' | 'orderingKey' | 'trackStarted'>;

const rules: readonly [string, Rule][] = [
  ['a rate limit', { rateLimit: '50/s' }],
  ['concurrency keys', { concurrency: { key: () => 'k', limit: 1 } }],
  ['ordering keys', { orderingKey: () => 'k' }],
  ['trackStarted', { trackStarted: true }],
];

describe.each([
  ['redis', () => redis.server.url],
  ['redis+streams', () => streamsUrl(redis.server)],
])('a full Redis is drained, on %s', (_driver, url) => {
  it.each(rules)(
    'of tasks with %s',
    async (_what, options) => {
      const drivers = [redisDriver, streamsDriver];
      await using app = new Lovage('full', { broker: url(), prefix: `t${newTaskId()}`, drivers, logLevel: 'silent' });
      const note = app.task({ name: 'note', ...options }, (n: number) => n);
      const sent = await note.delayMany([[1], [2], [3]]);
      await redis.server.client.config('SET', 'maxmemory', 1_000);
      onTestFinished(async () => {
        await redis.server.client.config('SET', 'maxmemory', 0);
      });
      await expect(note.delay(4)).rejects.toMatchObject({ name: 'BrokerMemoryError' });
      await startWorker(app, { concurrency: 2 });
      expect(await Promise.all(sent.map((result) => result.get({ timeout: '10s' })))).toEqual([1, 2, 3]);
    },
    30_000,
  );

  it('where rules of revocation are laid down and taken back all the same', async () => {
    const drivers = [redisDriver, streamsDriver];
    await using app = new Lovage('full', { broker: url(), prefix: `t${newTaskId()}`, drivers, logLevel: 'silent' });
    const work = app.task('work', () => 'done');
    const stamps = { customer: 42 };
    const sent = await work.applyAsync([], { stamps });
    await redis.server.client.config('SET', 'maxmemory', 1_000);
    onTestFinished(async () => {
      await redis.server.client.config('SET', 'maxmemory', 0);
    });
    expect((await app.control.revokeByStampedHeaders(stamps, { timeout: 50 })).waiting).toEqual([sent.id]);
    await expect(sent.get({ timeout: '10s' })).rejects.toMatchObject({ name: 'TaskRevokedError' });
    expect(await app.control.stampedRevocations()).toHaveLength(1);
    expect(await app.control.liftStampedHeaders(stamps)).toBe(1);
    expect(await app.control.stampedRevocations()).toEqual([]);
  });
});
