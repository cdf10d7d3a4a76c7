import { expect } from 'vitest';
import { group } from '../../canvas/group.ts';
import { sleep, systemClock } from '../../clock.ts';
import type { TaskFailedError, WorkflowDivergedError } from '../../errors.ts';
import { until } from '../until.ts';
import { type Scenario, settled } from './scenario-bench.ts';

const wait = { timeout: '30s' } as const;

/** Durable workflows as a user sees them. */
export const workflowScenarios: readonly Scenario[] = [
  {
    name: 'a workflow runs its steps, waits in the broker, and goes on where it was',
    async run(bench) {
      const app = bench.app();
      const ran: string[] = [];
      const flow = app.workflow({ name: 'flow', parkAfter: 100 }, async (w, n: number) => {
        const step = (name: string, value: number) => w.step(name, () => (ran.push(name) > 0 ? value : 0));
        const a = await step('a', n + 1);
        const both = await Promise.all([step('b', a * 2), step('c', 7)]);
        await w.sleep(5);
        await w.sleep(400);
        const drawn = [w.uuid(), w.random(), w.now()] as const;
        const answer = await w.event('answer');
        const again = await step('b', 9);
        return { both, answer, again, drawn: drawn.length };
      });
      await bench.worker(app);
      const run = await flow.start(1, { id: 'flow-1' });
      await run.send('answer', { ok: true });
      expect(await run.get(wait)).toEqual({ both: [4, 7], answer: { ok: true }, again: 9, drawn: 3 });
      expect(ran).toEqual(['a', 'b', 'c', 'b']);
      expect((await run.timeline()).map(({ key }) => key)).toEqual([
        'a',
        'b',
        'c',
        'sleep',
        'sleep#2',
        'now',
        'answer',
        'b#2',
      ]);
      expect(await run.status()).toMatchObject({ workflow: 'flow', state: 'SUCCESS' });
      const same = await flow.start(1, { id: 'flow-1' });
      expect(await same.get(wait)).toEqual(await run.get(wait));
      expect(ran).toHaveLength(4);
    },
  },
  {
    name: 'a parked run holds no slot, and an event wakes it from any process',
    async run(bench) {
      const app = bench.app();
      const flow = app.workflow({ name: 'flow' }, async (w, n: number) => {
        const { by } = (await w.event('go')) as { by: string };
        return `${n} ${by}`;
      });
      await bench.worker(app, { concurrency: 2 });
      const runs = await Promise.all([1, 2, 3, 4, 5].map((n) => flow.start(n)));
      for (const run of runs)
        await until(async () => (await run.status()).state === 'PARKED', { what: 'the run to park' });
      expect((await app.workflows.list({ state: 'PARKED' })).map(({ name }) => name)).toEqual(Array(5).fill('flow'));
      const gates = await app.gates.list();
      expect(gates.map(({ name }) => name)).toEqual(Array(5).fill('go'));
      const other = bench.app();
      const [first, ...rest] = runs;
      await other.resolveGate(`${first?.id}/go`, { by: 'gate' });
      for (const { id } of rest) {
        await other.run(id).send('go', { by: 'send' }, { id: 'once' });
        await other
          .run(id)
          .send('go', { by: 'twice' }, { id: 'once' })
          .catch(() => undefined); // it may have ended by now
      }
      expect(await Promise.all(runs.map((run) => run.get(wait)))).toEqual([
        '1 gate',
        '2 send',
        '3 send',
        '4 send',
        '5 send',
      ]);
      expect(await app.gates.list()).toEqual([]);
      expect(await settled(runs[0]?.send('go') ?? Promise.resolve())).toMatchObject({ name: 'RunStateError' });
      expect(await settled(app.run('nobody').send('go'))).toMatchObject({ name: 'UnknownRunError' });
    },
  },
  {
    name: 'a workflow calls tasks, canvases and other workflows',
    async run(bench) {
      const app = bench.app();
      const add = app.task('add', (a: number, b: number) => a + b);
      const fail = app.task('fail', () => {
        throw new RangeError('no');
      });
      const inner = app.workflow({ name: 'inner' }, async (w, text: string) => w.step('up', () => text.toUpperCase()));
      const flow = app.workflow({ name: 'flow' }, async (w, n: number) => {
        const [sum, text] = await Promise.all([w.call(add, [n, 2]), w.child(inner, 'abc')]);
        const chained = await w.run(add.s(1, 1).pipe(add.s(5)));
        const listed = await w.run(group([add.s(1, 1), add.s(2, 2)]));
        const problem = await w.call(fail, []).catch((error: TaskFailedError) => error.remoteName);
        const { id } = await w.start(inner, 'alone');
        return { sum, text, chained, listed, problem, id };
      });
      await bench.worker(app, { concurrency: 1 });
      const value = await (await flow.start(1)).get(wait);
      expect(value).toMatchObject({ sum: 3, text: 'ABC', chained: 7, listed: [2, 4], problem: 'RangeError' });
      expect(await app.run(value.id).get(wait)).toBe('ALONE');
      const piped = await inner.s('x').pipe(inner.s()).delay();
      expect(await piped.get(wait)).toBe('X');
    },
  },
  {
    name: 'a run that fails is compensated, the last step first; retry takes it up where it failed',
    async run(bench) {
      const app = bench.app();
      const ran: string[] = [];
      let broken = true;
      const flow = app.workflow({ name: 'flow' }, async (w, undo: boolean) => {
        await w.step('charge', () => void ran.push('charge'));
        if (undo) w.compensate('refund', () => void ran.push('refund'));
        if (undo) w.compensate('notify', () => void ran.push('notify'));
        return w.step(
          'ship',
          () => {
            ran.push('ship');
            if (broken) throw new TypeError('no van');
            return 'shipped';
          },
          { retries: 1, backoff: 5 },
        );
      });
      await bench.worker(app);
      const undone = await flow.start(true);
      expect(await settled(undone.get(wait))).toMatchObject({ message: 'no van' });
      expect(ran).toEqual(['charge', 'ship', 'ship', 'notify', 'refund']);
      expect(await settled(undone.retry())).toMatchObject({ name: 'RunStateError' });
      const run = await flow.start(false);
      expect(await settled(run.get(wait))).toMatchObject({ message: 'no van' });
      expect(await run.status()).toMatchObject({ state: 'FAILURE', note: 'ship' });
      broken = false;
      await run.retry();
      expect(await app.run(run.id).get(wait)).toBe('shipped');
      expect(ran.slice(5)).toEqual(['charge', 'ship', 'ship', 'ship']);
      const fork = await run.fork({ from: 'ship' });
      expect(await fork.get(wait)).toBe('shipped');
      expect(ran.slice(9)).toEqual(['ship']);
    },
  },
  {
    name: 'a cancelled run is compensated and ends REVOKED, its children with it',
    async run(bench) {
      const app = bench.app();
      const ran: string[] = [];
      const inner = app.workflow({ name: 'inner' }, async (w, _: null) => {
        w.compensate('undo-inner', () => void ran.push('undo-inner'));
        await w.sleep('1h');
      });
      const flow = app.workflow({ name: 'flow' }, async (w, _: null) => {
        w.compensate('undo', () => void ran.push('undo'));
        await w.child(inner, null).catch((error: Error) => {
          ran.push(error.name);
          throw error;
        });
      });
      await bench.worker(app);
      const run = await flow.start(null);
      await until(async () => (await app.workflows.list({ state: 'PARKED' })).length === 2, {
        what: 'both runs to park',
      });
      await run.cancel('changed my mind');
      expect(await settled(run.get(wait))).toMatchObject({ name: 'TaskRevokedError' });
      expect(await run.status()).toMatchObject({ state: 'REVOKED' });
      await until(() => ran.includes('undo-inner'), { what: () => `the child to be cancelled: ${ran}` });
      expect(ran.filter((what) => what !== 'undo-inner')).toEqual(['WorkflowCancelledError', 'undo']);
      expect(await settled(run.cancel())).toMatchObject({ name: 'RunStateError' });
    },
  },
  {
    name: 'an event and its timeout: one of them wins, and a default stands in',
    async run(bench) {
      const app = bench.app();
      const flow = app.workflow({ name: 'flow', parkAfter: 50 }, async (w, _: null) => {
        const late = await w.event('never', { timeout: 200, default: 'late' as const });
        const error = await w.event('never', { timeout: 10 }).catch((problem: Error) => problem.name);
        const heard: unknown[] = [];
        for await (const one of w.events('word', { timeout: 300 })) heard.push(one);
        return { late, error, heard };
      });
      await bench.worker(app);
      const run = await flow.start(null);
      await run.send('word', 'a');
      await run.send('word', 'b');
      expect(await run.get(wait)).toEqual({ late: 'late', error: 'EventTimeoutError', heard: ['a', 'b'] });
    },
  },
  {
    name: 'a race ends in a replay as it ended the first time',
    async run(bench) {
      const app = bench.app();
      const after = async (ms: number, value: string): Promise<string> => {
        await sleep(systemClock, ms);
        return value;
      };
      const flow = app.workflow({ name: 'flow', parkAfter: 20 }, async (w, _: null) => {
        const slow = w.step('slow', () => after(60, 'slow')).then((value) => value);
        const fast = w
          .step('fast', () => after(5, 'fast'))
          .then((value) => value)
          .then((value) => value);
        const first = await Promise.race([slow, fast]);
        const second = await slow;
        await w.sleep(100);
        await w.sleep(100);
        return [first, second];
      });
      await bench.worker(app);
      expect(await (await flow.start(null)).get(wait)).toEqual(['fast', 'slow']);
    },
  },
  {
    name: 'a run that meets code which does not fit its log is set aside, and fixed code carries it on',
    async run(bench) {
      const ran: string[] = [];
      const start = bench.app();
      const before = start.workflow({ name: 'flow' }, async (w, _: null) => {
        await w.step('a', () => void ran.push('a'));
        await w.step('b', () => void ran.push('b'));
        return w.event('go');
      });
      const first = await bench.worker(start);
      const run = await before.start(null);
      await until(async () => (await run.status()).state === 'PARKED', { what: 'the run to park' });
      await first.close();
      const broken = bench.app();
      broken.workflow({ name: 'flow' }, async (w, _: null) => {
        await w.step('a', () => void ran.push('a'));
        return w.event('go');
      });
      const problems: (Error | undefined)[] = [];
      for await (const { problem } of broken.workflows.check()) problems.push(problem);
      expect(problems[0] as WorkflowDivergedError).toMatchObject({ name: 'WorkflowDivergedError', key: 'b' });
      const second = await bench.worker(broken);
      await run.send('go', 1);
      await until(async () => (await run.status()).state === 'DIVERGED', { what: 'the run to be set aside' });
      expect((await run.status()).note).toContain('"b"');
      await second.close();
      const fixed = bench.app();
      fixed.workflow({ name: 'flow' }, async (w, _: null) => {
        await w.step('a', () => void ran.push('a'));
        const inserted = await w.step('inserted', () => 'new');
        await w.step('b', () => void ran.push('b'));
        const patched = w.patch('new-end');
        const value = await w.event('go');
        return [inserted, patched, value];
      });
      for await (const { problem } of fixed.workflows.check()) expect(problem).toBeUndefined();
      await bench.worker(fixed);
      expect(await run.get(wait)).toEqual(['new', false, 1]);
      expect(ran).toEqual(['a', 'b']);
    },
  },
  {
    name: 'a worker without a version hands its runs back; the version that was defined last is started',
    async run(bench) {
      const old = bench.app();
      const v1 = old.workflow({ name: 'flow', version: '1' }, async (w, _: null) => w.step('a', () => 'one'));
      const started = await v1.start(null);
      const app = bench.app();
      const v2 = app.workflow({ name: 'flow', version: '2' }, async (w, _: null) => w.step('a', () => 'two'));
      const worker = await bench.worker(app);
      expect(await (await v2.start(null)).get(wait)).toBe('two');
      await until(() => bench.log.some(({ message }) => message.includes('of version "1"')), {
        what: 'the run to be handed back',
      });
      await worker.close();
      const both = bench.app();
      both.workflow({ name: 'flow', version: '1' }, async (w, _: null) => w.step('a', () => 'one'));
      const latest = both.workflow({ name: 'flow', version: '3' }, async (w, _: null) => w.step('a', () => 'three'));
      await bench.worker(both);
      expect(await started.get(wait)).toBe('one');
      expect(await (await latest.start(null)).get(wait)).toBe('three');
    },
  },
  {
    name: 'a run goes on under its id with another input, and a new log',
    async run(bench) {
      const app = bench.app();
      const flow = app.workflow({ name: 'flow' }, async (w, n: number) => {
        const sum = await w.step('add', () => n + 1);
        if (sum < 5) w.continueAs(sum);
        return [sum, await w.event('kept')];
      });
      await bench.worker(app);
      const run = await flow.start(0);
      await run.send('kept', 'still here');
      expect(await run.get(wait)).toEqual([5, 'still here']);
      expect((await run.timeline()).map(({ key }) => key)).toEqual(['add', 'kept']);
    },
  },
  {
    name: 'misuse is told by run and key: a step that nobody awaits, a name of two kinds, an outcome that is no JSON, a nested step',
    async run(bench) {
      const app = bench.app();
      const flow = app.workflow({ name: 'flow' }, async (w, how: string) => {
        if (how === 'stray') void w.step('mail', () => 1);
        if (how === 'kinds') await w.step('mail', () => 1).then(() => w.event('mail'));
        if (how === 'value') await w.step('mail', () => new Map());
        if (how === 'nested') await w.step('mail', () => w.step('inner', () => 1));
      });
      await bench.worker(app);
      const ends = await Promise.all(
        ['stray', 'kinds', 'value', 'nested'].map(async (how) => settled((await flow.start(how)).get(wait))),
      );
      const messages = ends.map((end) => (end as Error).message);
      expect(messages[0]).toMatch(/step "mail" was not awaited/);
      expect(messages[1]).toMatch(/"mail" is a step and a event/);
      expect(messages[2]).toMatch(/mail/);
      expect(messages[3]).toMatch(/inside step "mail"/);
    },
  },
];
