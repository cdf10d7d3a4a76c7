import { expect } from 'vitest';
import { runtimeOf } from '../../app/app-runtime.ts';
import { requestWhereBlocked } from '../../flow/acquire-request.ts';
import type { TaskContext } from '../../task/task-context.ts';
import { deferred, until } from '../until.ts';
import { type Scenario, settled } from './scenario-bench.ts';
import { pause, Tracks } from './tracks.ts';

const timeout = '30s';

/** Concurrency keys, fair shares, and all kinds of keys together. */
export const concurrencyScenarios: readonly Scenario[] = [
  {
    name: 'a concurrency key lets so many run at once, over all workers, and holds no slot for the others',
    async run(bench) {
      const app = bench.app();
      const tracks = new Tracks();
      const work = app.task({ name: 'work', concurrency: { key: ([tenant]) => tenant, limit: 2 } }, (tenant: string) =>
        tracks.run(tenant, tenant, () => pause(10)),
      );
      const free = app.task('free', () => 'ran');
      const held = deferred();
      const blocked = app.task({ name: 'blocked', concurrency: { limit: 1 } }, () => held.promise);
      await bench.worker(app, { name: 'one' });
      await bench.worker(app, { name: 'two' });
      const stuck = await blocked.delayMany(Array.from({ length: 20 }, () => []));
      const results = await work.delayMany(Array.from({ length: 40 }, (_, index) => [index % 2 === 0 ? 'a' : 'b']));
      expect(await free.call([], { timeout })).toBe('ran');
      await Promise.all(results.map((result) => result.get({ timeout })));
      expect([...tracks.most].sort()).toEqual([
        ['a', 2],
        ['b', 2],
      ]);
      held.resolve();
      await Promise.all(stuck.map((result) => result.get({ timeout })));
    },
  },
  {
    name: 'a concurrency key is free between the attempts of a task, and after a failure',
    async run(bench) {
      const app = bench.app();
      const tracks = new Tracks();
      const work = app.task(
        { name: 'work', bind: true, maxRetries: 1, concurrency: { limit: 1 } },
        (self: TaskContext, how: string) =>
          tracks.run('all', how, async () => {
            if (how === 'retry' && self.retries === 0) throw self.retry({ countdown: 200 });
            if (how === 'fail') throw new Error('broken');
            return self.fence;
          }),
      );
      await bench.worker(app);
      const [retry, fail, plain] = await work.delayMany([['retry'], ['fail'], ['plain']]);
      const fence = await plain?.get({ timeout });
      expect(await settled((fail as NonNullable<typeof fail>).get({ timeout }))).toMatchObject({
        message: expect.stringMatching(/broken/),
      });
      expect(await retry?.get({ timeout })).toBeGreaterThan(fence as number);
      const [first, ...rest] = tracks.starts; // the key promises no order of those that wait
      expect([first, rest.slice(0, 2).sort(), rest.slice(2)]).toEqual(['retry', ['fail', 'plain'], ['retry']]);
      expect(tracks.most.get('all')).toBe(1);
    },
  },
  {
    name: 'held messages that no line knows any more are found, and run',
    async run(bench) {
      const app = bench.app();
      const first = deferred();
      const limited = app.task({ name: 'limited', concurrency: { limit: 1 } }, (_nth: number) => first.promise);
      const ordered = app.task({ name: 'ordered', orderingKey: ([key]) => key }, (_key: string) => first.promise);
      await bench.worker(app);
      const sent = [...(await limited.delayMany([[0], [1], [2]])), ...(await ordered.delayMany([['a'], ['a'], ['a']]))];
      const { monitor, brokerConnection } = await runtimeOf(app).stores.open();
      const held = async () => (await monitor?.blocked?.('default', 0, 10)) ?? [];
      await until(async () => (await held()).length === 4, { what: 'the calls to be held' });
      const entries = (await held()).flatMap((message) => requestWhereBlocked(message) ?? []);
      const places = entries.flatMap(({ group }) => sent.map(({ id }) => ({ group, queue: 'default', id })));
      await brokerConnection.semaphore?.release(places); // as if the keys of the admission were gone
      first.resolve();
      await Promise.all(sent.map((result) => result.get({ timeout })));
    },
  },
  {
    name: 'tenants of one queue get equal shares, whatever they have waiting',
    async run(bench) {
      const app = bench.app();
      const starts: string[] = [];
      const work = app.task(
        {
          name: 'work',
          fairness: { key: ([tenant]) => tenant, window: 5, weight: (key) => (key === 'twice' ? 2 : 1) },
        },
        async (tenant: string) => void starts.push(tenant),
      );
      const of = (tenant: string, count: number) => Array.from({ length: count }, () => [tenant] as [string]);
      await work.delayMany(of('large', 300));
      const small = await work.delayMany(of('small', 20));
      const twice = await work.delayMany(of('twice', 40));
      await bench.worker(app, { concurrency: 1 });
      await Promise.all([...small, ...twice].map((result) => result.get({ timeout })));
      expect(starts.length).toBeLessThan(120);
      const third = starts.slice(5, 45);
      const count = (tenant: string) => third.filter((one) => one === tenant).length;
      for (const [tenant, share] of [
        ['large', 10],
        ['small', 10],
        ['twice', 20],
      ] as const) {
        expect(Math.abs(count(tenant) - share), `${tenant}: ${count(tenant)} of 40`).toBeLessThanOrEqual(3);
      }
    },
  },
  {
    name: 'ordering, fairness and concurrency go together on one task',
    async run(bench) {
      const app = bench.app();
      const tracks = new Tracks();
      let most = 0;
      let now = 0;
      const work = app.task(
        {
          name: 'work',
          bind: true,
          maxRetries: 1,
          orderingKey: ([key]) => key,
          fairness: { key: ([key]) => key[0], window: 2 },
          concurrency: { limit: 2 },
        },
        (self: TaskContext, key: string, nth: number) =>
          tracks.run(key, `${key} ${nth}.${self.retries}`, async () => {
            most = Math.max(most, ++now);
            await pause(3);
            now -= 1;
            if (nth === 1 && self.retries === 0) throw self.retry({ countdown: 30 });
          }),
      );
      await bench.worker(app, { name: 'one' });
      await bench.worker(app, { name: 'two' });
      const keys = ['a1', 'a2', 'a3', 'b1', 'b2'];
      const results = await work.delayMany(
        [0, 1, 2, 3].flatMap((nth) => keys.map((key) => [key, nth] as [string, number])),
      );
      await Promise.all(results.map((result) => result.get({ timeout })));
      expect(most).toBeLessThanOrEqual(2);
      for (const key of keys) {
        expect(tracks.of(key)).toEqual(['0.0', '1.0', '1.1', '2.0', '3.0'].map((nth) => `${key} ${nth}`));
        expect(tracks.most.get(key)).toBe(1);
      }
    },
  },
  {
    name: 'a step of a canvas has the key of the value that is piped into it',
    async run(bench) {
      const app = bench.app();
      const tracks = new Tracks();
      const make = app.task('make', (key: string) => key);
      const work = app.task({ name: 'work', orderingKey: ([key]) => key }, (key: string) =>
        tracks.run(key, key, () => pause(5)),
      );
      await bench.worker(app);
      const chains = ['a', 'a', 'a', 'b', 'b', 'b'].map((key) => make.s(key).pipe(work.s()).delay());
      await Promise.all(chains.map(async (chain) => (await chain).get({ timeout })));
      expect([...tracks.most].sort()).toEqual([
        ['a', 1],
        ['b', 1],
      ]);
    },
  },
  {
    name: 'a key that cannot be is an error of the call, and nothing is sent',
    async run(bench) {
      const app = bench.app();
      const call = (options: object) => {
        const name = `work${Math.random()}`;
        return settled(app.task({ name, ...options }, (_key: unknown) => 1).delay('x'));
      };
      const name = 'ConfigurationError';
      const thrown = () => {
        throw new Error('no key today');
      };
      expect(await call({ orderingKey: thrown })).toMatchObject({
        name,
        message: expect.stringMatching(/orderingKey threw: no key today/),
      });
      expect(await call({ orderingKey: () => 7 })).toMatchObject({
        name,
        message: expect.stringMatching(/orderingKey gave 7: expected a non-empty/),
      });
      expect(await call({ fairness: { key: () => '' } })).toMatchObject({
        name,
        message: expect.stringMatching(/fairness\.key gave ""/),
      });
      expect(await call({ fairness: { key: () => 'x', weight: () => 0 } })).toMatchObject({
        name,
        message: expect.stringMatching(/weight gave 0/),
      });
      const each = app.task({ name: 'each', concurrency: { limit: 1 } }, (_n: number) => 1);
      expect(await settled(each.map([1, 2]).delay())).toMatchObject({
        name,
        message: expect.stringMatching(/run many calls in one attempt/),
      });
      const late = app.task({ name: 'late', concurrency: { key: thrown, limit: 1 } }, (_n: number) => 1);
      await bench.worker(app);
      expect(await settled(late.call([1], { timeout }))).toMatchObject({
        message: expect.stringMatching(/concurrency\.key threw/),
      });
      expect(await settled(late.call([1], { timeout }))).toMatchObject({
        message: expect.stringMatching(/concurrency\.key threw/),
      });
      const unkeyed = app.task({ name: 'unkeyed', orderingKey: () => undefined }, () => 'ran');
      expect(await unkeyed.call([], { timeout })).toBe('ran');
    },
  },
];
