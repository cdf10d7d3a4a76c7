import { expect } from 'vitest';
import { sleep, systemClock } from '../../clock.ts';
import { DeadLetters } from '../../inspect/dead-letters.ts';
import { Inspector } from '../../inspect/inspector.ts';
import { Reject } from '../../message/control-signal.ts';
import { deferred, until } from '../until.ts';
import { type Scenario, settled } from './scenario-bench.ts';

const timeout = '20s';

/** Workers: slots, shutdown, lost leases, messages nobody should have sent. */
export const workerScenarios: readonly Scenario[] = [
  {
    name: 'slots are shared by all queues of a worker, and change live',
    async run(bench) {
      const app = bench.app();
      let running = 0;
      let most = 0;
      const gates = Array.from({ length: 12 }, () => deferred());
      const hold = app.task('hold', async (index: number) => {
        most = Math.max(most, ++running);
        await gates[index]?.promise;
        running--;
      });
      const worker = await bench.worker(app, { queues: ['a', 'b', 'c'], concurrency: 3 });
      const sent = await Promise.all(
        gates.map((_, index) => hold.applyAsync([index], { queue: ['a', 'b', 'c'][index % 3] as string })),
      );
      await until(() => running === 3, { what: 'three running' });
      expect(most).toBe(3);
      worker.setSlots(6);
      await until(() => running === 6, { what: 'six running' });
      for (const gate of gates) gate.resolve();
      await Promise.all(sent.map((result) => result.get({ timeout })));
      expect(most).toBeLessThanOrEqual(6);
    },
  },
  {
    name: 'a worker that closes lets running tasks end and takes no new ones',
    async run(bench) {
      const app = bench.app();
      const gate = deferred();
      const begun = deferred();
      const slow = app.task('slow', async () => {
        begun.resolve();
        await gate.promise;
        return 'finished';
      });
      const worker = await bench.worker(app, { concurrency: 1 });
      const first = await slow.delay();
      await begun.promise;
      const closing = worker.close();
      const second = await slow.delay();
      gate.resolve();
      expect(await closing).toEqual({ released: 0, abandoned: 0 });
      expect(await first.get({ timeout })).toBe('finished');
      expect(await second.state()).toBe('SENT');
      await bench.worker(app);
      expect(await second.get({ timeout })).toBe('finished');
    },
  },
  {
    name: 'past its drain a worker aborts what runs and hands it back unspent',
    async run(bench) {
      const app = bench.app();
      let aborted = '';
      const begun = deferred();
      let attempts: unknown;
      const slow = app.task({ name: 'slow', bind: true, maxRetries: 0 }, async (self) => {
        attempts = [self.attempt, self.deliveryCount];
        if (aborted) return 'second time';
        begun.resolve();
        await new Promise((_, reject) =>
          self.signal.addEventListener('abort', () => reject(self.signal.reason), { once: true }),
        ).catch((error) => {
          aborted = (error as Error).name;
          throw error;
        });
        return 'first time';
      });
      const worker = await bench.worker(app);
      const result = await slow.delay();
      await begun.promise;
      expect(await worker.close({ drain: 50 })).toEqual({ released: 1, abandoned: 0 });
      expect(aborted).toBe('WorkerShutdownError');
      await bench.worker(app);
      expect(await result.get({ timeout })).toBe('second time');
      expect(attempts).toEqual([1, 1]);
    },
  },
  {
    name: 'a task whose lease is lost is run again, once, and one outcome is recorded',
    needs: 'loseLease',
    async run(bench) {
      const first = bench.app();
      const begun = deferred();
      const gate = deferred();
      first.task({ name: 'work', bind: true }, async (self) => {
        begun.resolve();
        await gate.promise;
        return `first ${self.deliveryCount}`;
      });
      const second = bench.app();
      second.task({ name: 'work', bind: true }, (self) => `second ${self.deliveryCount}`);
      const worker = await bench.worker(first, { concurrency: 1 });
      const result = await second.sendTask('work');
      await begun.promise;
      await worker.removeQueue('default'); // so that the second worker gets it
      await bench.worker(second);
      await bench.store.loseLease?.('default', result.id);
      expect(await result.get({ timeout: '30s' })).toBe('second 2');
      gate.resolve();
      await worker.close();
      expect(await result.get({ timeout })).toBe('second 2');
    },
  },
  {
    name: 'a task that comes back to the worker that still runs it joins the running attempt',
    needs: 'loseLease',
    async run(bench) {
      const app = bench.app();
      let runs = 0;
      const begun = deferred();
      const gate = deferred();
      const work = app.task('work', async () => {
        runs++;
        begun.resolve();
        await gate.promise;
        return runs;
      });
      await bench.worker(app, { concurrency: 2 });
      const result = await work.delay();
      await begun.promise;
      await bench.store.loseLease?.('default', result.id);
      await until(() => bench.log.some(({ message }) => message.includes('joined the running attempt')), {
        timeout: 30_000,
        what: 'the second delivery',
      });
      gate.resolve();
      expect(await result.get({ timeout: '30s' })).toBe(1);
      expect(runs).toBe(1);
    },
  },
  {
    name: 'a task that takes its workers down is given up after 1 + crashBudget starts, parked, and can be replayed',
    needs: 'loseLease',
    async run(bench) {
      const caller = bench.app();
      const result = await caller.sendTask('work');
      let starts = 0;
      for (let worker = 1; worker <= 3; worker += 1) {
        const app = bench.app();
        const begun = deferred();
        app.task('work', () => {
          starts += 1;
          begun.resolve();
          return new Promise(() => {});
        });
        const victim = await bench.worker(app, { concurrency: 1, drain: 0 });
        await begun.promise;
        await victim.removeQueue('default'); // so that the next worker gets it
        await bench.store.loseLease?.('default', result.id);
      }
      const last = bench.app();
      last.task({ name: 'work', bind: true }, (self) => {
        starts += 1;
        return self.headers.replayOf;
      });
      await bench.worker(last);
      expect(await settled(result.get({ timeout: '30s' }))).toMatchObject({ name: 'WorkerLostError' });
      expect(starts).toBe(3);
      const letters = new DeadLetters(caller);
      expect(await letters.list()).toMatchObject([
        { id: result.id, task: 'work', reason: { name: 'WorkerLostError' } },
      ]);
      for await (const replayed of letters.replay({ reason: 'WorkerLostError' })) {
        expect(replayed.kind).toBe('sent');
        if (replayed.kind === 'sent') expect(await caller.asyncResult(replayed.id).get({ timeout })).toBe(result.id);
      }
      expect(await letters.list()).toEqual([]);
    },
  },
  {
    name: 'with acksLate: false a lost task is not started again, and its waiter is told',
    needs: 'loseLease',
    async run(bench) {
      const first = bench.app();
      const begun = deferred();
      const gate = deferred();
      let runs = 0;
      first.task({ name: 'work', acksLate: false }, async () => {
        runs++;
        begun.resolve();
        await gate.promise;
      });
      const second = bench.app();
      second.task({ name: 'work', acksLate: false }, () => void runs++);
      const worker = await bench.worker(first, { concurrency: 1 });
      const result = await second.sendTask('work');
      await begun.promise;
      await worker.removeQueue('default');
      await bench.worker(second);
      await bench.store.loseLease?.('default', result.id);
      expect(await settled(result.get({ timeout: '30s' }))).toMatchObject({ name: 'WorkerLostError' });
      gate.resolve();
      expect(runs).toBe(1);
    },
  },
  {
    name: 'an unknown task waits for a worker that knows it, and is given up after the grace',
    async run(bench) {
      const ignorant = bench.app();
      await bench.worker(ignorant, { unknownTaskGrace: '1h' });
      const caller = bench.app();
      const kept = await caller.sendTask('only.elsewhere', [7]);
      await until(() => bench.log.some(({ message }) => message.includes('unknown task "only.elsewhere"')), {
        what: 'the warning',
      });
      const knowing = bench.app();
      knowing.task('only.elsewhere', (n: number) => n * 2);
      await ignorant.close();
      await bench.worker(knowing);
      expect(await kept.get({ timeout })).toBe(14);
    },
  },
  {
    name: 'two apps with different tasks share a queue: each call soon comes to a worker that knows its task',
    async run(bench) {
      const [first, second] = [bench.app(), bench.app()];
      const one = first.task('first.echo', (n: number) => n);
      const two = second.task('second.echo', (n: number) => n);
      const workers = [first, second, first, second].map((app) => bench.worker(app, { concurrency: 2 }));
      await Promise.all(workers);
      const began = performance.now();
      for (let n = 0; n < 30; n += 1) {
        expect(await one.call([n], { timeout })).toBe(n);
        expect(await two.call([n], { timeout })).toBe(n);
      }
      expect(performance.now() - began).toBeLessThan(10_000); // 60 calls; with 1 s for every time that one comes to the wrong worker: 60 s
      const many = await two.delayMany(Array.from({ length: 300 }, (_, n) => [n]));
      const values = await Promise.all(many.map((result) => result.get({ timeout })));
      expect(values).toEqual(Array.from({ length: 300 }, (_, n) => n));
      expect(await one.call([7], { timeout })).toBe(7);
    },
  },
  {
    name: 'a task that no worker knows is handed back seldom, and one that comes later finds its messages',
    async run(bench) {
      let met = 0;
      const taskUnknown = (): void => {
        met += 1;
      };
      const ignorant = bench.app({ plugins: [{ name: 'counting', on: { taskUnknown } }] });
      await bench.worker(ignorant);
      const sent = await Promise.all(Array.from({ length: 10 }, (_, n) => ignorant.sendTask('only.later', [n])));
      await until(() => met >= 20, { what: 'the second delivery of each' });
      await sleep(systemClock, 900); // a second is the shortest pause from then on
      expect(met).toBeLessThanOrEqual(30);
      const knowing = bench.app();
      knowing.task('only.later', (n: number) => n);
      await bench.worker(knowing);
      expect(await Promise.all(sent.map((result) => result.get({ timeout: '30s' })))).toHaveLength(10);
    },
  },
  {
    name: 'an unknown task past its grace is parked and fails by name',
    async run(bench) {
      const app = bench.app();
      await bench.worker(app, { unknownTaskGrace: 1 });
      const result = await app.sendTask('nobody.has.it', [], { queue: 'default' });
      expect(await settled(result.get({ timeout }))).toMatchObject({
        name: 'TaskFailedError',
        message: expect.stringContaining('unknown task "nobody.has.it"'),
      });
      const [parked] = await new Inspector(app).deadLetters('default');
      expect(parked).toMatchObject({ id: result.id, reason: { name: 'UnknownTaskError' } });
    },
  },
  {
    name: 'a dead letter is replayed as a new task that knows the old one, and is gone then',
    async run(bench) {
      const app = bench.app();
      const picky = app.task({ name: 'picky', bind: true, priority: 3 }, (self, what: string) => {
        if (what === 'bad') throw new Reject('not this one');
        return [what, self.priority, self.rootId, self.headers['replayOf']];
      });
      await bench.worker(app);
      const results = [await picky.delay('bad'), await picky.applyAsync(['bad'], { queue: 'default', priority: 9 })];
      for (const result of results) await settled(result.get({ timeout }));
      const letters = new DeadLetters(app);
      await until(async () => (await letters.count({ task: 'pick*', reason: 'Reject' })) === 2, {
        what: 'two letters',
      });
      const ids: string[] = [];
      for await (const outcome of letters.replay({ ids: [results[1]?.id ?? ''] }, { args: ['good'], rate: '50/s' })) {
        if (outcome.kind === 'sent') ids.push(outcome.id);
      }
      const old = results[1]?.id;
      expect(ids).toHaveLength(1);
      expect(await app.asyncResult(ids[0] ?? '').get({ timeout })).toEqual(['good', 9, old, old]);
      expect((await letters.list()).map(({ id }) => id)).toEqual([results[0]?.id]);
      expect(await letters.purge({ olderThan: '1h' })).toBe(0);
      expect(await letters.purge()).toBe(1);
    },
  },
  {
    name: 'malformed messages are parked, and the queue flows on',
    needs: 'injectRaw',
    async run(bench) {
      const app = bench.app();
      const add = app.task('add', (x: number, y: number) => x + y);
      const deep = '['.repeat(500) + ']'.repeat(500);
      const bodies = [
        'not json',
        '[]',
        '{"v":1}',
        '{"v":99,"args":[]}',
        `{"v":1,"args":${deep}}`,
        '{"v":1,"args":[{"__proto__":{"x":1}}]}',
      ];
      for (const body of bodies) await bench.store.injectRaw?.('default', body);
      await bench.worker(app);
      expect(await add.call([1, 2], { timeout })).toBe(3);
      const inspector = new Inspector(app);
      await until(async () => (await inspector.deadLetters('default')).length === bodies.length, {
        what: 'all of them parked',
      });
    },
  },
  {
    name: "arguments that do not fit the worker's schema are a failure, and are not retried",
    async run(bench) {
      const app = bench.app();
      const numbers = {
        '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => check(value) },
      } as const;
      const check = (value: unknown) =>
        (value as unknown[]).every((item) => typeof item === 'number')
          ? { value: value as number[] }
          : { issues: [{ message: 'expected numbers', path: [0] }] };
      app.task(
        { name: 'sum', args: numbers as never, maxRetries: 5, autoretryFor: [Error] },
        ((...list: number[]) => list.length) as never,
      );
      await bench.worker(app);
      const result = await bench.app().sendTask('sum', ['x']);
      expect(await result.get({ timeout }).catch((error: unknown) => error)).toMatchObject({
        remoteName: 'TaskValidationError',
        attempts: 1,
      });
    },
  },
  {
    name: 'inspect sees workers, queues and what waits; purge tells the waiters',
    async run(bench) {
      const app = bench.app();
      const add = app.task('add', (x: number, y: number) => x + y);
      const inspector = new Inspector(app);
      const results = [await add.delay(1, 1), await add.applyAsync([2, 2], { countdown: '1h' })];
      expect(await inspector.queues(['default'])).toEqual([
        { queue: 'default', waiting: 1, delayed: 1, blocked: 0, running: 0, dead: 0, paused: false },
      ]);
      expect([await app.inspect.reserved(), await app.inspect.scheduled(['default'])]).toEqual([
        { default: 1 },
        { default: 1 },
      ]);
      expect(await inspector.purge('default')).toBe(2);
      for (const result of results)
        expect(await settled(result.get({ timeout }))).toMatchObject({ name: 'TaskRevokedError' });
      const worker = await bench.worker(app, { concurrency: 3 });
      await add.call([1, 2], { timeout });
      const { workers, queues } = await inspector.status({ timeout: 1000 });
      expect(workers).toMatchObject([
        { name: worker.name, slots: 3, queues: ['default'], tasks: ['add'], counts: { succeeded: 1 } },
      ]);
      expect(queues.map(({ queue }) => queue)).toContain('default');
    },
  },
];
