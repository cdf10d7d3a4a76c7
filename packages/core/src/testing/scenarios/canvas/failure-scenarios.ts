import { expect } from 'vitest';
import { z } from 'zod';
import type { Lovage } from '../../../app/app.ts';
import { runtimeOf } from '../../../app/app-runtime.ts';
import type { FailedTask } from '../../../app/failed-task.ts';
import type { Retried } from '../../../app/failures.ts';
import { chain } from '../../../canvas/chain.ts';
import { chord } from '../../../canvas/chord.ts';
import { group } from '../../../canvas/group.ts';
import { deferred, until } from '../../until.ts';
import { type Scenario, settled } from '../scenario-bench.ts';

const timeout = '20s';

/** The failures of an app once there are so many: history is written after the outcome. */
async function listed(app: Lovage, count: number): Promise<readonly FailedTask[]> {
  let found: readonly FailedTask[] = [];
  const arrived = async (): Promise<boolean> => {
    found = await app.failures.list();
    return found.length === count;
  };
  await until(arrived, { what: () => `${count} failures, saw ${found.map(({ task }) => task)}` });
  return found;
}

async function all<T>(source: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const one of source) found.push(one);
  return found;
}

/** A task that fails until it is told not to, with all it was called with. */
function defineFlaky(app: Lovage) {
  const state = { broken: true, calls: [] as unknown[] };
  const flaky = app.task({ name: 'flaky', maxRetries: 0 }, (value: unknown) => {
    state.calls.push(value);
    if (state.broken) throw new RangeError(`no luck with ${JSON.stringify(value)}`);
    return value;
  });
  return { flaky, state };
}

/** Failures as things: listed, grouped, run again under their ids, discarded. */
export const failureScenarios: readonly Scenario[] = [
  {
    name: 'failures: listed with error and arguments, grouped by cause, and run again under their ids',
    async run(bench) {
      const app = bench.app();
      const { flaky, state } = defineFlaky(app);
      await bench.worker(app);
      const sent = await flaky.delayMany([[1], [22], ['three']]);
      for (const result of sent) await settled(result.get({ timeout }));
      const failures = await listed(app, 3);
      expect(failures.find(({ id }) => id === sent[1]?.id)).toMatchObject({
        task: 'flaky',
        attempt: 1,
        args: [22],
        error: { name: 'RangeError', message: 'no luck with 22' },
        stack: expect.stringContaining('RangeError: no luck with 22'),
      });
      const groups = await app.failures.groups();
      expect(groups).toHaveLength(2); // numbers are left out of what tells causes apart
      expect(groups.find(({ open }) => open === 2)).toMatchObject({ name: 'RangeError', task: 'flaky', total: 2 });
      expect(await app.failures.count({ task: 'fl*', error: 'Range*', newerThan: '1h' })).toBe(3);
      expect(await app.failures.count({ olderThan: '1h' })).toBe(0);

      state.broken = false;
      const [first] = sent as [(typeof sent)[number]];
      const again = await app.failures.retryOne(first.id);
      expect(again.id).toBe(first.id);
      expect(await again.get({ timeout })).toBe(1);
      const { fingerprint } = groups.find(({ open }) => open === 2) as { fingerprint: string };
      const retried: Retried[] = [];
      for await (const one of app.failures.retry({ group: fingerprint }, { args: ['edited'] })) retried.push(one);
      expect(retried).toMatchObject([{ kind: 'sent', id: sent[1]?.id }]);
      expect(await app.asyncResult(sent[1]?.id as string).get({ timeout })).toBe('edited');
      expect(await app.failures.discard({ task: 'flaky' })).toBe(1);
      expect(await app.failures.list()).toEqual([]);
      expect(await settled(app.asyncResult(sent[2]?.id as string).get({ timeout }))).toMatchObject({
        message: 'no luck with "three"',
      });
      expect(await settled(app.failures.retryOne(first.id))).toMatchObject({ name: 'UnknownFailureError' });
    },
  },
  {
    name: 'failures: a task that fails again is listed again, and history has every attempt of both lives',
    async run(bench) {
      const app = bench.app();
      const { flaky, state } = defineFlaky(app);
      await bench.worker(app);
      const { id } = await flaky.delay('x');
      await listed(app, 1);
      await app.failures.retryOne(id);
      await until(() => state.calls.length === 2, { what: 'the second life' });
      await listed(app, 1);
      expect((await app.failures.groups())[0]).toMatchObject({ open: 1, total: 2 });
      state.broken = false;
      expect(await (await app.failures.retryOne(id, { args: ['y'] })).get({ timeout })).toBe('y');
      expect(await settled(app.failures.retryOne(id))).toMatchObject({ name: 'UnknownFailureError' });
      expect(state.calls).toEqual(['x', 'x', 'y']);
      const { history } = await runtimeOf(app).stores.open();
      const states = async () => (await history?.attempts(id))?.map((row) => row.state).join();
      await until(async () => (await states())?.startsWith('FAILURE,FAILURE') === true, { what: 'both lives' });
    },
  },
  {
    name: 'failures: retried twice at once, a task runs once',
    async run(bench) {
      const app = bench.app();
      const gate = deferred<void>();
      let runs = 0;
      const slow = app.task({ name: 'slow', maxRetries: 0 }, async () => {
        runs += 1;
        if (runs === 1) throw new Error('the first time');
        await gate.promise;
        return runs;
      });
      await bench.worker(app);
      const { id } = await slow.delay();
      await listed(app, 1);
      const both = Promise.all([settled(app.failures.retryOne(id)), settled(app.failures.retryOne(id))]);
      await both;
      await until(() => runs === 2, { what: 'it to run again' });
      gate.resolve();
      expect(await app.asyncResult(id).get({ timeout })).toBe(2);
      expect(await slow.call([], { timeout })).toBe(3); // the one after it: nothing else ran between
      expect(await app.failures.list()).toEqual([]);
    },
  },
  {
    name: 'failures: edited arguments are held against the schema, a limit and a dry run are kept',
    async run(bench) {
      const app = bench.app();
      const options = { name: 'typed', args: z.tuple([z.number()]), maxRetries: 0 };
      const typed = app.task(options, (value) => {
        if (value < 0) throw new Error('below nought');
        return value;
      });
      await bench.worker(app);
      for (const result of await typed.delayMany([[-1], [-2]])) await settled(result.get({ timeout }));
      await listed(app, 2);
      const filter = { task: 'typed' };
      expect(await all(app.failures.retry(filter, { args: ['no number'] }))).toMatchObject([
        { kind: 'refused', problem: expect.stringContaining('typed') },
        { kind: 'refused', problem: expect.stringContaining('typed') },
      ]);
      expect(await all(app.failures.retry(filter, { args: [1], dryRun: true }))).toHaveLength(2);
      expect(await all(app.failures.retry(filter, { args: [1], limit: 1, rate: '100/s' }))).toMatchObject([
        { kind: 'sent', queue: 'default' },
      ]);
      const [left] = await listed(app, 1);
      expect(await settled(app.failures.retryOne(left?.id as string, { args: ['no'] }))).toMatchObject({
        name: 'TaskValidationError',
      });
      expect(await (await app.failures.retryOne(left?.id as string, { args: [3] })).get({ timeout })).toBe(3);
    },
  },
  {
    name: 'failures: a chain goes on from the step that is run again',
    async run(bench) {
      const app = bench.app();
      const { flaky, state } = defineFlaky(app);
      const add = app.task('add', (a: number, b: number) => a + b);
      const linked = deferred<number>();
      const note = app.task('note', (value: number) => linked.resolve(value));
      await bench.worker(app);
      const body = chain(add.s(1, 1), flaky.s(), add.s(10), group(add.s(1), chain(add.s(2), add.s(3))));
      const result = await body.link(note.si(7)).applyAsync([]);
      await settled(result.get({ timeout }));
      const [failure] = await listed(app, 1);
      expect(failure?.args).toEqual([2]);
      state.broken = false;
      await app.failures.retryOne(failure?.id as string);
      expect(await app.groupResult(result.id).get({ timeout })).toEqual([13, 17]);
      expect(await linked.promise).toBe(7);
    },
  },
  {
    name: 'failures: a chord completes once the last of its members that failed has run again',
    async run(bench) {
      const app = bench.app();
      const { flaky, state } = defineFlaky(app);
      const sum = app.task('sum', (values: unknown[]) => (values as number[]).reduce((a, b) => a + b, 0));
      await bench.worker(app);
      const result = await chord([flaky.s(1), chain(flaky.s(2), flaky.s()), flaky.s(4)], sum.s()).applyAsync([]);
      await settled(result.get({ timeout }));
      const failures = await listed(app, 3);
      state.broken = false;
      const [last, ...others] = failures as [FailedTask, ...FailedTask[]];
      for (const { id } of others) await (await app.failures.retryOne(id)).get({ timeout });
      expect(await result.state()).toBe('FAILURE');
      await app.failures.retryOne(last.id);
      expect(await app.asyncResult(result.id).get({ timeout })).toBe(7);
    },
  },
  {
    name: 'failures: what stands in the place of a task ends it anew',
    async run(bench) {
      const app = bench.app();
      const { flaky, state } = defineFlaky(app);
      const add = app.task('add', (a: number, b: number) => a + b);
      const swap = app.task({ name: 'swap', bind: true }, (self, value: number) =>
        self.replace(chain(flaky.s(value), add.s(100))),
      );
      await bench.worker(app);
      const result = await chain(swap.s(5), add.s(1000)).applyAsync([]);
      await settled(result.get({ timeout }));
      const [failure] = await listed(app, 1);
      state.broken = false;
      await app.failures.retryOne(failure?.id as string);
      expect(await app.asyncResult(result.id).get({ timeout })).toBe(1105);
    },
  },
  {
    name: 'failures: an ordering key that a failure has halted goes on when it is run again',
    async run(bench) {
      const app = bench.app();
      const state = { broken: true, seen: [] as string[] };
      const options = { name: 'step', maxRetries: 0, orderingKey: () => 'k', orderingPolicy: 'halt' as const };
      const step = app.task(options, (name: string) => {
        if (state.broken && name === 'a') throw new Error('halted');
        state.seen.push(name);
      });
      await bench.worker(app);
      const first = await step.delay('a');
      const second = await step.delay('b');
      await listed(app, 1);
      state.broken = false;
      await app.failures.retryOne(first.id);
      await second.get({ timeout });
      expect(state.seen).toEqual(['a', 'b']);
    },
  },
];
