import { expect } from 'vitest';
import { DeadLetters } from '../../inspect/dead-letters.ts';
import { Inspector } from '../../inspect/inspector.ts';
import { Reject } from '../../message/control-signal.ts';
import type { TaskContext } from '../../task/task-context.ts';
import { deferred, until } from '../until.ts';
import { type Scenario, settled } from './scenario-bench.ts';
import { pause, Tracks } from './tracks.ts';

const timeout = '30s';

/** Ordering keys. */
export const orderingScenarios: readonly Scenario[] = [
  {
    name: 'calls with one ordering key run in the order in which they were sent, through retries and failures',
    async run(bench) {
      const app = bench.app();
      const tracks = new Tracks();
      const work = app.task(
        { name: 'work', bind: true, maxRetries: 1, orderingKey: ([key]) => key },
        (self: TaskContext, key: string, nth: number) =>
          tracks.run(key, `${key}${nth}.${self.retries}`, async () => {
            await pause(nth % 3);
            if (nth === 2 && self.retries === 0) throw self.retry({ countdown: 150 });
            if (nth === 3) throw new Error('broken');
          }),
      );
      await bench.worker(app, { name: 'one' });
      await bench.worker(app, { name: 'two' });
      const calls = ['a', 'b', 'c'].flatMap((key) => [0, 1, 2, 3, 4, 5].map((nth) => [key, nth] as [string, number]));
      const first = await work.delayMany(calls.filter(([, nth]) => nth < 3));
      const rest = await Promise.all(calls.filter(([, nth]) => nth >= 3).map((call) => work.delay(...call)));
      await Promise.all([...first, ...rest].map((result) => settled(result.get({ timeout }))));
      for (const key of ['a', 'b', 'c']) {
        expect(tracks.of(key)).toEqual(['0.0', '1.0', '2.0', '2.1', '3.0', '4.0', '5.0'].map((nth) => key + nth));
        expect(tracks.most.get(key)).toBe(1);
      }
    },
  },
  {
    name: 'a call that is delayed holds its ordering key up, and still is not early',
    async run(bench) {
      const app = bench.app();
      const tracks = new Tracks();
      const work = app.task({ name: 'work', orderingKey: () => 'all' }, (what: string) =>
        tracks.run('all', what, async () => Date.now()),
      );
      await bench.worker(app);
      const due = Date.now() + 400;
      const results = [
        await work.delay('first'),
        await work.applyAsync(['second'], { eta: new Date(due) }),
        await work.delay('third'),
      ];
      const [, second = 0] = await Promise.all(results.map((result) => result.get({ timeout })));
      expect(second).toBeGreaterThanOrEqual(due);
      expect(tracks.starts).toEqual(['first', 'second', 'third']);
    },
  },
  {
    name: 'under the policy halt a failure closes its ordering key until it is resumed',
    async run(bench) {
      const app = bench.app();
      const ran: string[] = [];
      const work = app.task(
        { name: 'work', orderingKey: ([key]) => key, orderingPolicy: 'halt' },
        async (key: string, how: string) => {
          ran.push(`${key} ${how}`);
          if (how === 'fail') throw new Error('broken');
        },
      );
      await bench.worker(app);
      const [, failed, third, fourth, other] = await work.delayMany([
        ['a', 'ok'],
        ['a', 'fail'],
        ['a', 'third'],
        ['a', 'fourth'],
        ['b', 'other'],
      ]);
      await other?.get({ timeout });
      expect(await settled((failed as NonNullable<typeof failed>).get({ timeout }))).toMatchObject({
        message: expect.stringMatching(/broken/),
      });
      const closed = { task: 'work', key: 'a', failed: failed?.id, queue: 'default' };
      await until(async () => (await app.control.haltedKeys()).length > 0, { what: 'the key to be closed' });
      expect(await app.control.haltedKeys()).toEqual([closed]);
      expect(await third?.state()).toBe('SENT');
      expect((await new Inspector(app).queues(['default']))[0]).toMatchObject({ blocked: 2 });
      expect(await app.control.resumeKey('work', 'b')).toBe(false);
      expect(await app.control.resumeKey('work', 'a')).toBe(true);
      await fourth?.get({ timeout });
      expect(ran.filter((what) => what.startsWith('a'))).toEqual(['a ok', 'a fail', 'a third', 'a fourth']);
      expect(await app.control.haltedKeys()).toEqual([]);
    },
  },
  {
    name: 'the replay of a dead letter takes its place in a closed ordering key',
    async run(bench) {
      const app = bench.app();
      let broken = true;
      const ran: string[] = [];
      const work = app.task(
        { name: 'work', orderingKey: () => 'all', orderingPolicy: 'halt' },
        async (what: string) => {
          ran.push(what);
          if (what === 'second' && broken) throw new Reject('not now');
        },
      );
      await bench.worker(app);
      const results = await work.delayMany([['first'], ['second'], ['third']]);
      await until(async () => (await app.control.haltedKeys()).length > 0, { what: 'the key to be closed' });
      broken = false;
      for await (const { kind } of new DeadLetters(app).replay({})) expect(kind).toBe('sent');
      await results[2]?.get({ timeout });
      expect(ran).toEqual(['first', 'second', 'second', 'third']);
      expect(await app.control.haltedKeys()).toEqual([]);
    },
  },
  {
    name: 'revoked and purged calls hold no key up',
    async run(bench) {
      const app = bench.app();
      const gate = deferred();
      const begun = deferred();
      const ran: string[] = [];
      const work = app.task({ name: 'work', orderingKey: () => 'all' }, async (what: string) => {
        ran.push(what);
        begun.resolve();
        if (what === 'first') await gate.promise;
      });
      await bench.worker(app);
      const results = await work.delayMany([['first'], ['second'], ['third'], ['fourth']]);
      await begun.promise;
      await app.control.revoke([results[1]?.id as string, results[2]?.id as string]);
      gate.resolve();
      await results[3]?.get({ timeout });
      expect(await results[1]?.state()).toBe('REVOKED');
      expect(ran).toEqual(['first', 'fourth']);
    },
  },
  {
    name: 'a call whose expiry passes while it is held ends REVOKED and lets the next one in',
    async run(bench) {
      const app = bench.app();
      const gate = deferred();
      const work = app.task({ name: 'work', orderingKey: () => 'all' }, async (what: string) => {
        if (what === 'first') await gate.promise;
        return what;
      });
      await bench.worker(app);
      await work.delay('first');
      const second = await work.applyAsync(['second'], { expires: 50 });
      const third = await work.delay('third');
      await pause(80);
      gate.resolve();
      expect(await third.get({ timeout })).toBe('third');
      expect(await second.state()).toBe('REVOKED');
    },
  },
  {
    name: 'a lost worker holds no key up, and its task keeps its turn',
    needs: 'loseLease',
    async run(bench) {
      const app = bench.app();
      const starts: string[] = [];
      const begun = deferred();
      const forever = deferred();
      const work = app.task(
        { name: 'work', bind: true, orderingKey: () => 'all' },
        async (self: TaskContext, nth: number) => {
          starts.push(`${nth}.${self.deliveryCount}`);
          if (nth === 1 && self.deliveryCount === 1) {
            begun.resolve();
            await forever.promise;
          }
        },
      );
      const first = await bench.worker(app, { name: 'lost' });
      const results = await work.delayMany([[0], [1], [2], [3]]);
      await begun.promise;
      void first.close({ drain: '20s' }); // takes nothing any more
      const other = bench.app();
      other.task({ name: 'work', bind: true, orderingKey: () => 'all' }, async (self: TaskContext, nth: number) => {
        starts.push(`${nth}.${self.deliveryCount}`);
      });
      await bench.worker(other, { name: 'heir' });
      await bench.store.loseLease?.('default', results[1]?.id as string);
      await results[3]?.get({ timeout });
      forever.resolve();
      expect(starts).toEqual(['0.1', '1.1', '1.2', '2.1', '3.1']);
    },
  },
  {
    name: 'under the policy halt a task that is given up closes its ordering key too',
    needs: 'loseLease',
    async run(bench) {
      const begun = deferred();
      const forever = deferred();
      const ran: number[] = [];
      const open = () => {
        const app = bench.app();
        const options = { orderingKey: () => 'all', orderingPolicy: 'halt', acksLate: false } as const;
        return {
          app,
          work: app.task({ name: 'work', ...options }, async (nth: number) => {
            ran.push(nth);
            begun.resolve();
            if (nth === 1) await forever.promise;
          }),
        };
      };
      const { app, work } = open();
      const first = await bench.worker(app, { name: 'lost' });
      const [lost, next] = await work.delayMany([[1], [2]]);
      await begun.promise;
      void first.close({ drain: '20s' }); // takes nothing any more
      const { app: heir } = open();
      await bench.worker(heir, { name: 'heir' });
      await bench.store.loseLease?.('default', lost?.id as string);
      expect(await settled((lost as NonNullable<typeof lost>).get({ timeout }))).toMatchObject({
        message: expect.stringContaining('was given up'),
      });
      await until(async () => (await heir.control.haltedKeys()).length > 0, { what: 'the key to be closed' });
      expect(ran).toEqual([1]);
      await heir.control.resumeKey('work', 'all');
      await next?.get({ timeout });
      forever.resolve();
    },
  },
];
