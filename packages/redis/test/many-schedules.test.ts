import { crontab, every, Lovage } from '@lovage/core';
import { Schedules, startBeat } from '@lovage/core/beat';
import { newTaskId } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { expect, it } from 'vitest';
import { redisDriver } from '../src/index.ts';
import { silent } from './bench.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

function open(prefix: string): Lovage {
  const options = { broker: redis.server.url, drivers: [redisDriver], prefix, logger: silent };
  const app = new Lovage('schedules', options);
  redis.endings.push(() => app.close());
  return app;
}

/** How often all entries were read from the store. */
async function wholeReads(): Promise<number> {
  const text = await redis.server.client.info('commandstats');
  return Number(/cmdstat_hgetall:calls=(\d+)/.exec(text)?.[1] ?? 0);
}

it('adding, pausing and removing an entry reads that entry alone, and so does beat', { timeout: 60_000 }, async () => {
  const app = open(`t${newTaskId()}`);
  const task = app.task('task', (_: number) => {});
  const schedules = new Schedules(app);
  const add = async (from: number, count: number): Promise<void> => {
    const names = Array.from({ length: count }, (_, index) => `entry-${from + index}`);
    await Promise.all(names.map((name, index) => schedules.add(name, every('1h'), task.s(index))));
  };
  await add(0, 200);
  const beat = await startBeat(app, { refresh: '1h' });
  await until(() => beat.health().entries === 200, { what: 'beat has all' });
  const before = await wholeReads();
  await add(200, 50); // at once: none may wait for the others until its deadline
  await until(() => beat.health().entries === 250, { what: 'beat has the new ones' });
  await schedules.pause('entry-7');
  await schedules.resume('entry-7');
  await schedules.remove('entry-8');
  await until(() => beat.health().entries === 249, { what: 'beat has let the removed one go' });
  expect((await wholeReads()) - before).toBe(0);
});

it('beat fires each of hundreds of entries of one slot, and hears of entries whose notification was lost', async () => {
  const prefix = `t${newTaskId()}`;
  const app = open(prefix);
  const task = app.task({ name: 'task', ignoreResult: true }, (_: number) => {});
  const schedules = new Schedules(app);
  await Promise.all(
    Array.from({ length: 300 }, (_, n) =>
      schedules.add(`e${n}`, n % 2 ? every('1h') : crontab('* * * * * *'), task.s(n)),
    ),
  );
  const beat = await startBeat(app, { refresh: '200ms' });
  await until(() => beat.health().fired >= 300, { what: 'two slots of 150 entries' });
  expect(beat.health().errors).toBe(0);
  const { client } = redis.server;
  const key = `lovage:${prefix}:schedules`;
  const text = (await client.hget(key, 'schedules/e1')) ?? '';
  const silently = JSON.parse(text) as { definition: { name: string } };
  silently.definition.name = 'silent';
  await client.hset(key, 'schedules/silent', JSON.stringify(silently));
  await client.incr(`lovage:${prefix}:schedule-version`);
  await until(() => beat.health().entries === 301, { what: 'the entry that nobody spoke of' });
});
