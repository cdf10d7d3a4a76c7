import { expect } from 'vitest';
import { chain } from '../../canvas/chain.ts';
import { ConfigurationError } from '../../errors.ts';
import type { AsyncResult } from '../../results/async-result.ts';
import { until } from '../until.ts';
import { type Scenario, settled } from './scenario-bench.ts';

const timeout = '20s';

/** Sending tasks and getting their values. */
export const callingScenarios: readonly Scenario[] = [
  {
    name: 'calls that are made in the same turn as close() are accepted before the app closes',
    async run(bench) {
      const app = bench.app();
      const add = app.task('add', (x: number, y: number) => x + y);
      const sent = [
        add.delay(1, 2),
        add.applyAsync([3, 4], { countdown: 10 }),
        chain(add.s(5, 6), add.s(1)).delay(),
        add.delayMany([
          [7, 8],
          [9, 10],
        ]),
      ];
      const closing = app.close();
      const results = (await Promise.all(sent)).flat();
      await closing;
      const reader = bench.app();
      reader.task('add', (x: number, y: number) => x + y);
      await bench.worker(reader);
      const values = await Promise.all(results.map(({ id }) => reader.asyncResult(id).get({ timeout })));
      expect(values).toEqual([3, 7, 12, 15, 19]);
    },
  },
  {
    name: 'delay, applyAsync, call and sendTask reach a worker and bring the value back',
    async run(bench) {
      const app = bench.app();
      const add = app.task('add', (x: number, y: number) => x + y);
      await bench.worker(app);
      const caller = bench.app();
      const remote = caller.remote<(x: number, y: number) => number>('add');
      expect(await (await add.delay(2, 3)).get({ timeout })).toBe(5);
      expect(await (await add.applyAsync([4, 5], { priority: 3 })).get({ timeout })).toBe(9);
      expect(await add.call([6, 7], { timeout })).toBe(13);
      expect(await remote.call([8, 9], { timeout })).toBe(17);
      expect(await (await caller.sendTask('add', [1, 1])).get({ timeout })).toBe(2);
      expect(await add.s(3).call([4], { timeout })).toBe(7);
    },
  },
  {
    name: 'the classic first program: two tasks on two queues',
    async run(bench) {
      const app = bench.app();
      const add = app.task('add', (x: number, y: number) => x + y);
      const multiply = app.task('multiply', (x: number, y: number) => x * y);
      await bench.worker(app, { queues: ['add', 'multiply'] });
      const sum = await add.applyAsync([2, 3], { queue: 'add' });
      const product = await multiply.applyAsync([2, 3], { queue: 'multiply' });
      expect([await sum.get({ timeout }), await product.get({ timeout })]).toEqual([5, 6]);
    },
  },
  {
    name: 'any process awaits a result by its id',
    async run(bench) {
      const app = bench.app();
      const add = app.task('add', (x: number, y: number) => x + y);
      const { id } = await add.delay(20, 22);
      const elsewhere = bench.app();
      const waiting = elsewhere.asyncResult<number>(id).get({ timeout });
      await bench.worker(app);
      expect(await waiting).toBe(42);
      expect(await elsewhere.asyncResult(id).state()).toBe('SUCCESS');
    },
  },
  {
    name: '2,000 tasks sent at once run once each and every result is awaited',
    async run(bench) {
      const app = bench.app();
      const runs = new Map<number, number>();
      const square = app.task('square', (n: number) => {
        runs.set(n, (runs.get(n) ?? 0) + 1);
        return n * n;
      });
      await bench.worker(app, { concurrency: 50 });
      const numbers = Array.from({ length: 2000 }, (_, index) => index);
      const values = await Promise.all(numbers.map(async (n) => (await square.delay(n)).get({ timeout: '60s' })));
      expect(values).toEqual(numbers.map((n) => n * n));
      expect([...runs.values()].every((count) => count === 1)).toBe(true);
      expect(runs.size).toBe(2000);
    },
  },
  {
    name: 'delayMany keeps the order of its list',
    async run(bench) {
      const app = bench.app();
      const seen: number[] = [];
      const note = app.task('note', (n: number) => void seen.push(n));
      const results = await note.delayMany(Array.from({ length: 1200 }, (_, index): [number] => [index]));
      await bench.worker(app, { concurrency: 1 });
      await Promise.all(results.map((result) => result.get({ timeout: '60s' })));
      expect(seen).toEqual(Array.from({ length: 1200 }, (_, index) => index));
    },
  },
  {
    name: 'a higher priority runs sooner',
    async run(bench) {
      const app = bench.app();
      const seen: string[] = [];
      const note = app.task('note', (what: string) => void seen.push(what));
      const sent: AsyncResult<void>[] = [];
      for (const [what, priority] of [
        ['a0', 0],
        ['b0', 0],
        ['c5', 5],
        ['d9', 9],
        ['e5', 5],
      ] as const) {
        sent.push(await note.applyAsync([what], { priority }));
      }
      await bench.worker(app, { concurrency: 1 });
      await Promise.all(sent.map((result) => result.get({ timeout })));
      expect(seen).toEqual(['d9', 'c5', 'e5', 'a0', 'b0']);
    },
  },
  {
    name: 'countdown and eta hold a task back, and never too short',
    async run(bench) {
      const app = bench.app();
      const when = app.task('when', () => Date.now());
      await bench.worker(app);
      const start = Date.now();
      const late = await when.applyAsync([], { countdown: 400 });
      const at = await when.applyAsync([], { eta: new Date(start + 300) });
      expect(await late.state()).toBe('SENT');
      expect(((await late.get({ timeout })) as number) - start).toBeGreaterThanOrEqual(399);
      expect(((await at.get({ timeout })) as number) - start).toBeGreaterThanOrEqual(299);
    },
  },
  {
    name: 'the same task id published again, before and after the end, runs once',
    async run(bench) {
      const app = bench.app();
      let runs = 0;
      const once = app.task('once', () => ++runs);
      const options = { taskId: 'order-4711' };
      await Promise.all([once.applyAsync([], options), once.applyAsync([], options)]);
      await bench.worker(app);
      expect(await app.asyncResult('order-4711').get({ timeout })).toBe(1);
      const again = await once.applyAsync([], options);
      expect(await again.get({ timeout })).toBe(1);
      await once.call([], { taskId: 'another-order', timeout }); // behind the repeated one in the queue
      expect(runs).toBe(2);
    },
  },
  {
    name: 'the same task id published again runs once also when it stores no result',
    async run(bench) {
      const app = bench.app();
      let runs = 0;
      const once = app.task({ name: 'once', ignoreResult: true }, () => void ++runs);
      const marker = app.task('marker', () => 'here');
      await bench.worker(app, { concurrency: 1 });
      const first = await once.applyAsync([], { taskId: 'silent' });
      expect(await first.get()).toBeUndefined();
      await marker.call([], { timeout });
      await once.applyAsync([], { taskId: 'silent' });
      await marker.call([], { timeout });
      expect(runs).toBe(1);
    },
  },
  {
    name: 'a task that failed without a result does not run again under its id; one whose result was forgotten does',
    async run(bench) {
      const app = bench.app();
      const runs = { fails: 0, works: 0 };
      const fails = app.task({ name: 'fails', ignoreResult: true, maxRetries: 0 }, () => {
        runs.fails += 1;
        throw new Error('no');
      });
      const works = app.task('works', () => ++runs.works);
      const marker = app.task('marker', () => 'here');
      await bench.worker(app, { concurrency: 1 });
      for (let round = 0; round < 2; round += 1) {
        await fails.applyAsync([], { taskId: 'quiet-failure' });
        await marker.call([], { timeout });
      }
      expect(runs.fails).toBe(1);
      const first = await works.applyAsync([], { taskId: 'forgotten' });
      expect(await first.get({ timeout })).toBe(1);
      await marker.call([], { timeout }); // acknowledged by now
      await first.forget();
      expect(await (await works.applyAsync([], { taskId: 'forgotten' })).get({ timeout })).toBe(2);
    },
  },
  {
    name: 'a task sent from inside a task has it as parent, and its root as root',
    async run(bench) {
      const app = bench.app();
      const leaf = app.task({ name: 'leaf', bind: true }, (self) => [self.parentId, self.rootId]);
      const root = app.task({ name: 'root', bind: true }, async (self) => [self.id, (await leaf.delay()).id]);
      await bench.worker(app);
      const [rootId, leafId] = (await root.call([], { timeout })) as [string, string];
      expect(await app.asyncResult(leafId).get({ timeout })).toEqual([rootId, rootId]);
    },
  },
  {
    name: 'routes decide the queue where neither the call nor the task does',
    async run(bench) {
      const app = bench.app({
        conf: { taskRoutes: { 'mail.*': 'mail', 'report.daily': { queue: 'reports', priority: 7 } } },
      });
      const where = { bind: true } as const;
      const mail = app.task({ name: 'mail.send', ...where }, (self) => [self.queue, self.priority]);
      const report = app.task({ name: 'report.daily', ...where }, (self) => [self.queue, self.priority]);
      const own = app.task({ name: 'mail.own', queue: 'own', ...where }, (self) => [self.queue, self.priority]);
      await bench.worker(app, { queues: ['default', 'mail', 'reports', 'own', 'call'] });
      expect(await mail.call([], { timeout })).toEqual(['mail', 0]);
      expect(await report.call([], { timeout })).toEqual(['reports', 7]);
      expect(await own.call([], { timeout })).toEqual(['own', 0]);
      expect(await own.call([], { queue: 'call', timeout })).toEqual(['call', 0]);
    },
  },
  {
    name: 'what cannot be sent is refused at the call, and nothing is sent',
    async run(bench) {
      const app = bench.app({ maxPayload: 1000 });
      const take = app.task('take', (value: unknown) => value);
      expect(await settled(take.delay(10n))).toMatchObject({
        name: 'PayloadNotSerializableError',
        message: expect.stringContaining('args[0] is a bigint'),
      });
      expect(await settled(take.delay({ list: [1, undefined] }))).toMatchObject({
        message: expect.stringContaining('args[0].list[1] is undefined'),
      });
      expect(await settled(take.delay(new Map()))).toMatchObject({
        message: expect.stringContaining('an instance of Map'),
      });
      expect(await settled(take.delay('x'.repeat(1001)))).toMatchObject({
        name: 'PayloadTooLargeError',
        message: expect.stringContaining('maxPayload'),
      });
      expect(await settled(take.applyAsync([1], { quue: 'a' } as never))).toMatchObject({
        name: ConfigurationError.name,
        message: 'call of "take": unknown option "quue": did you mean "queue"?',
      });
      await bench.worker(app);
      expect(await take.call(['after all that'], { timeout })).toBe('after all that');
    },
  },
  {
    name: 'an app without results says so, and its tasks run',
    async run(bench) {
      const app = bench.app({ backend: 'none' });
      const seen: number[] = [];
      const note = app.task('note', (n: number) => void seen.push(n));
      await bench.worker(app);
      const result = await note.delay(1);
      expect(await settled(result.get())).toMatchObject({ name: 'NoResultBackendError' });
      await until(() => seen.length === 1, { what: 'the task to run' });
    },
  },
];
