import { expect } from 'vitest';
import { chain } from '../../canvas/chain.ts';
import { deferred, until } from '../until.ts';
import { type Scenario, settled } from './scenario-bench.ts';

const timeout = '20s';
/** How well two machines agree on the broker's clock, in milliseconds: half a round trip each. */
const clocks = 50;

/** Calls whose callers wait for so long and no longer. */
export const deadlineScenarios: readonly Scenario[] = [
  {
    name: 'a task that is called with a timeout knows what is left of it, and so do those that it calls',
    async run(bench) {
      const app = bench.app();
      const inner = app.task({ name: 'inner', bind: true }, (self) => self.remaining() ?? null);
      const outer = app.task({ name: 'outer', bind: true }, async (self) => [
        await inner.call([]),
        await inner.call([], { timeout: '60s' }),
        await inner.call([], { timeout: '5s' }),
        await inner.call([], { deadline: '5s' }),
        await (await inner.delay()).get({ timeout }),
        self.remaining() ?? null,
      ]);
      await bench.worker(app);
      const [inherited, longer, shorter, sooner, delayed, own] = (await outer.call([], {
        timeout,
      })) as readonly number[];
      for (const left of [inherited, longer]) expect(left).toBeGreaterThan(5_000);
      for (const left of [inherited, longer]) expect(left).toBeLessThanOrEqual(20_000 + clocks);
      for (const left of [shorter, sooner]) expect(left).toBeGreaterThan(0);
      for (const left of [shorter, sooner]) expect(left).toBeLessThanOrEqual(5_000 + clocks);
      expect(delayed).toBeNull(); // nobody waits for what is only sent
      expect(own).toBeLessThanOrEqual((longer as number) + clocks);
      expect(await (await inner.delay()).get({ timeout })).toBeNull();
    },
  },
  {
    name: 'every step of a canvas that is called with a timeout has its deadline',
    async run(bench) {
      const app = bench.app();
      const add = app.task({ name: 'add', bind: true }, (self, x: number) => [x, self.remaining() ?? -1] as const);
      const last = app.task({ name: 'last', bind: true }, (self, before: readonly number[]) => [
        ...before,
        self.remaining() ?? -1,
      ]);
      await bench.worker(app);
      const [, first = -1, second = -1] = await chain(add.s(1), last.s()).call([], { timeout });
      expect(first).toBeGreaterThan(0);
      expect(second).toBeGreaterThan(0);
      expect(second).toBeLessThanOrEqual(first + clocks);
    },
  },
  {
    name: 'a call whose caller has left is not started, and ends REVOKED',
    async run(bench) {
      const app = bench.app();
      const runs: string[] = [];
      const note = app.task('note', (what: string) => void runs.push(what));
      const called = await settled(note.call(['called'], { timeout: 150, taskId: 'left' }));
      expect(called).toMatchObject({
        name: 'ResultTimeoutError',
        message: expect.stringContaining('after its deadline it is not started'),
      });
      await note.applyAsync(['timed'], { deadline: new Date(Date.now() - 1), taskId: 'past' });
      await bench.worker(app);
      await note.call(['marker'], { timeout });
      expect(runs).toEqual(['marker']);
      for (const id of ['left', 'past']) {
        expect(await settled(app.asyncResult(id).get({ timeout }))).toMatchObject({
          name: 'TaskRevokedError',
          message: expect.stringContaining('expired'),
        });
      }
    },
  },
  {
    name: 'a task whose caller leaves while it runs is told by its signal',
    async run(bench) {
      const app = bench.app();
      const info = deferred<string>();
      const wait = app.task({ name: 'wait', bind: true }, async (self) => {
        const { signal } = self;
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        info.resolve(`${(signal.reason as Error).name} ${self.remaining()}`);
        throw signal.reason;
      });
      await bench.worker(app);
      const called = settled(wait.call([], { timeout: 700, taskId: 'waits' }));
      expect(await called).toHaveProperty('name'); // its own timeout, or the task's failure, whichever it hears first
      expect(await info.promise).toBe('DeadlineExceeded 0');
      expect(await settled(app.asyncResult('waits').get({ timeout }))).toMatchObject({
        message: expect.stringContaining('deadline of task waits passed'),
      });
    },
  },
  {
    name: 'a retry that would come after the deadline is not waited for: the task fails with its error',
    async run(bench) {
      const app = bench.app();
      let runs = 0;
      const flaky = app.task({ name: 'flaky', bind: true }, (self) => {
        runs += 1;
        return self.retry({ countdown: runs === 1 ? 10 : '1h', exc: new Error('still down') });
      });
      await bench.worker(app);
      const called = await settled(flaky.call([], { timeout }));
      expect(called).toMatchObject({ name: 'TaskFailedError', message: expect.stringContaining('still down') });
      await until(() => runs === 2);
    },
  },
];
