import { newTaskId } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { chord, group, Lovage } from 'lovage';
import { startWorker } from 'lovage/worker';
import { describe, expect, it } from 'vitest';
import { useRedis } from '../../redis/test/use-redis.ts';
import { silent } from './bench.ts';
import { missingPostgres } from './postgres-server.ts';
import { usePostgres } from './use-postgres.ts';

describe.skipIf(missingPostgres)('an app with results in PostgreSQL', () => {
  const postgres = usePostgres();
  const redis = useRedis();

  const createApp = (broker: string, migrate = 'auto') => {
    const options = { broker, backend: `${postgres.server.url}?migrate=${migrate}`, prefix: `t${newTaskId()}` };
    const app = new Lovage('shop', { ...options, logger: silent });
    postgres.endings.push(() => app.close());
    const add = app.task('add', (a: number, b: number) => a + b);
    const sum = app.task('sum', (values: number[]) => values.reduce((one, other) => one + other, 0));
    const fail = app.task({ name: 'fail', maxRetries: 0 }, () => {
      throw new TypeError('no');
    });
    return { app, add, sum, fail, prefix: options.prefix };
  };
  const work = async (app: Lovage): Promise<void> => {
    const worker = await startWorker(app, { concurrency: 10 });
    postgres.endings.push(() => worker.close());
  };

  it.each(['redis', 'redis+streams'])('on %s: results, failures, groups and chords', async (scheme) => {
    const { app, add, sum, fail, prefix } = createApp(redis.server.url.replace('redis:', `${scheme}:`));
    await work(app);
    const result = await add.delay(2, 3);
    expect(await result.get({ timeout: '60s' })).toBe(5);
    await expect((await fail.delay()).get({ timeout: '60s' })).rejects.toThrow('no');
    const sums = Array.from({ length: 30 }, (_, index) => add.s(index, 1));
    expect(await (await group(sums).delay()).get({ timeout: '60s' })).toEqual(sums.map((_, index) => index + 1));
    expect(await (await chord(sums, sum.s()).delay()).get({ timeout: '60s' })).toBe(465);
    const { rows } = await postgres.server.pool.query(`SELECT task, state FROM "${prefix}".results WHERE id = $1`, [
      result.id,
    ]);
    expect(rows).toEqual([{ task: 'add', state: 'SUCCESS' }]);
    const keys = await redis.server.client.keys(`${prefix}:result:*`);
    expect(keys).toEqual([]);
  });

  it('a worker whose tables are missing does not start, and says what to do', async () => {
    const { app } = createApp(redis.server.url, 'manual');
    await expect(startWorker(app)).rejects.toThrow('run `lovage db migrate`');
  });

  it('tasks that end while PostgreSQL is away wait for it, and are run once', async () => {
    const { app, add } = createApp(redis.server.url.replace('redis:', 'redis+streams:'));
    const runs: number[] = [];
    const note = app.task('note', (index: number) => void runs.push(index));
    await work(app);
    expect(await (await add.delay(1, 1)).get({ timeout: '60s' })).toBe(2);
    await postgres.server.kill();
    const results = await note.delayMany(Array.from({ length: 5 }, (_, index) => [index] as [number]));
    await until(() => runs.length === 5, { timeout: 60_000, what: 'five runs' });
    await postgres.server.launch();
    await Promise.all(results.map((result) => result.get({ timeout: '60s' })));
    expect(runs.sort()).toEqual([0, 1, 2, 3, 4]);
  }, 120_000);
});
