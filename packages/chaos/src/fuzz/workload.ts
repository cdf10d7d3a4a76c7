// What leaves a value of every family in Redis: outcomes, delayed and retried messages, canvases, schedules, locks, workflows, limits, …
import { chain, chord, every, gate, group } from 'lovage';
import { Schedules } from 'lovage/beat';
import { until } from '../until.ts';
import type { FuzzBench } from './fuzz-bench.ts';
import { captureValues, type StoredValue } from './snapshot.ts';

/** Runs it on the bench, and captures what lies in Redis meanwhile, but the keys of the good queue. */
export async function captureWorkload({ producer, redis }: FuzzBench): Promise<StoredValue[]> {
  const { app, plain, fails, again, sum, limited, keyed, ordered, unique, flow } = producer;
  const ends = await Promise.all([
    plain.delay(1),
    plain.applyAsync([2], { headers: { a: 'b' } }),
    fails.delay(),
    chain(plain.s(1), plain.si(2)).delay(),
    group([plain.s(1), plain.s(2)]).delay(),
    chord([plain.s(1), plain.s(2)], sum.s()).delay(),
  ]);
  await Promise.allSettled(ends.map((result) => result.get({ timeout: 10_000 })));
  const schedules = new Schedules(app);
  await schedules.add('stored', every('1h'), plain.s(1));
  await schedules.add('paused', every('1h'), plain.s(2));
  await schedules.pause('paused');
  await app.lock('held', { ttl: '1h' });
  await app.subscribe('news.*', () => {});
  await flow.start(undefined, { id: 'flow-1' });
  await plain.s(1).pipe(gate<number>('answer')).pipe(plain.s()).delay();
  await Promise.all([
    ...[1, 2, 3].map((n) => plain.applyAsync([n], { countdown: '1h' })),
    ...[1, 2].map((n) => plain.applyAsync([n], { priority: n, queue: 'elsewhere' })),
    again.delay(),
    ...[1, 2, 3].map((n) => limited.delay(n)),
    ...[1, 2, 3].map(() => keyed.delay('k', 1_000)),
    ...[1, 2, 3].map(() => ordered.delay('o', 1_000)),
    unique.delay(1_000),
    app.sendTask('nosuch', [1], { queue: 'elsewhere' }),
    app.control.revokeByStampedHeaders({ tenant: ['a'] }, { timeout: 100 }).catch(() => {}),
  ]);
  const values = (): Promise<StoredValue[]> => captureValues(redis.client, isOfGoodQueue);
  await until(async () => (await values()).some(({ key }) => key.includes('admission')), 5_000, 'tasks that wait');
  return values();
}

function isOfGoodQueue(key: string): boolean {
  return /(^|:)good(:|$)/.test(key);
}
