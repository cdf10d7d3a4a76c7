import { expect } from 'vitest';
import type { LovageEvent } from '../../events/event.ts';
import type { BatchItem } from '../../task/batch.ts';
import { deferred, until, within } from '../until.ts';
import { type Scenario, settled } from './scenario-bench.ts';

const timeout = '20s';
const revoked = { name: 'TaskRevokedError' };

/** Taking tasks back, asking workers, telling them what to do, hearing what happens. */
export const controlScenarios: readonly Scenario[] = [
  {
    name: 'a revoked task that waits, or is held back, is not run, and its waiters are told at once',
    async run(bench) {
      const app = bench.app();
      const runs: string[] = [];
      const note = app.task('note', (what: string) => void runs.push(what));
      const waiting = await note.delay('waiting');
      const delayed = await note.applyAsync(['delayed'], { countdown: 300 });
      const elsewhere = bench.app();
      const info = [waiting, delayed].map((result) => settled(elsewhere.asyncResult(result.id).get({ timeout })));
      await waiting.revoke();
      await delayed.revoke();
      expect(await Promise.all(info)).toMatchObject([revoked, revoked]);
      await bench.worker(app, { concurrency: 1 });
      await note.applyAsync(['last'], { countdown: 500 }).then((result) => result.get({ timeout }));
      expect(runs).toEqual(['last']);
      expect([await waiting.state(), await delayed.state()]).toEqual(['REVOKED', 'REVOKED']);
    },
  },
  {
    name: 'a running task that is terminated aborts, frees its slot and ends REVOKED, heeding its signal or not',
    async run(bench) {
      const app = bench.app();
      const begun = [deferred(), deferred()];
      let reason = '';
      const heeding = app.task({ name: 'heeding', bind: true }, async (self) => {
        begun[0]?.resolve();
        await new Promise((_, reject) =>
          self.signal.addEventListener('abort', () => reject(self.signal.reason), { once: true }),
        );
      });
      const deaf = app.task({ name: 'deaf', bind: true }, async (self) => {
        self.signal.addEventListener('abort', () => {
          reason = (self.signal.reason as Error).name;
        });
        begun[1]?.resolve();
        await new Promise(() => {});
      });
      const add = app.task('add', (x: number, y: number) => x + y);
      await bench.worker(app, { concurrency: 2, drain: 100 });
      const results = [await heeding.delay(), await deaf.delay()];
      await Promise.all(begun.map((one) => one.promise));
      for (const result of results) await result.revoke({ terminate: true });
      expect(await settled(results[0]?.get({ timeout }) as Promise<unknown>)).toMatchObject(revoked);
      expect(await settled(results[1]?.get({ timeout }) as Promise<unknown>)).toMatchObject(revoked);
      expect(reason).toBe('TaskRevokedError');
      expect(await add.call([1, 2], { timeout })).toBe(3);
    },
  },
  {
    name: 'a running task that is revoked without terminate goes on, and its outcome stays REVOKED',
    async run(bench) {
      const app = bench.app();
      const begun = deferred();
      const gate = deferred();
      let ended = false;
      const work = app.task('work', async () => {
        begun.resolve();
        await gate.promise;
        ended = true;
        return 'too late';
      });
      const marker = app.task('marker', () => 'here');
      await bench.worker(app, { concurrency: 1 });
      const result = await work.delay();
      await begun.promise;
      await result.revoke();
      expect(await settled(result.get({ timeout }))).toMatchObject(revoked);
      gate.resolve();
      await marker.call([], { timeout });
      expect(ended).toBe(true);
      expect(await result.state()).toBe('REVOKED');
    },
  },
  {
    name: 'a task revoked between two of its retries is not run again',
    async run(bench) {
      const app = bench.app();
      let runs = 0;
      const retrying = app.task({ name: 'retrying', bind: true, maxRetries: null }, (self) => {
        runs++;
        self.retry({ countdown: 150 });
      });
      await bench.worker(app);
      const result = await retrying.delay();
      await until(async () => runs > 0 && (await result.state()) === 'RETRY', { what: 'a waiting retry' });
      await result.revoke();
      const before = runs;
      const marker = app.task('marker', () => 'here');
      await marker.call([], { countdown: 400, timeout });
      expect(runs).toBeLessThanOrEqual(before + 1); // it may have begun as it was revoked
      expect(await result.state()).toBe('REVOKED');
    },
  },
  {
    name: 'a task that has ended stays as it ended, whoever revokes it',
    async run(bench) {
      const app = bench.app();
      const add = app.task('add', (x: number, y: number) => x + y);
      await bench.worker(app);
      const result = await add.delay(1, 2);
      expect(await result.get({ timeout })).toBe(3);
      await result.revoke({ terminate: true });
      expect([await result.state(), await result.get({ timeout })]).toEqual(['SUCCESS', 3]);
    },
  },
  {
    name: 'workers answer questions: ping, stats, active, registered, query, conf; by name or glob',
    async run(bench) {
      const app = bench.app();
      const begun = deferred();
      const gate = deferred();
      const work = app.task('work', async () => {
        begun.resolve();
        await gate.promise;
      });
      await bench.worker(app, { name: 'alpha', concurrency: 2 });
      await bench.worker(app, { name: 'beta', queues: ['other'] });
      const asker = bench.app();
      expect(await asker.inspect.ping()).toEqual({ alpha: 'pong', beta: 'pong' });
      expect(await asker.inspect.ping({ destination: 'al*' })).toEqual({ alpha: 'pong' });
      const { id } = await work.delay();
      await begun.promise;
      expect(await asker.inspect.active()).toMatchObject({ alpha: [{ id, task: 'work', queue: 'default' }], beta: [] });
      expect(await asker.inspect.query(id, { destination: 'alpha' })).toMatchObject({ alpha: [{ id }] });
      expect(await asker.inspect.registered({ destination: 'beta' })).toEqual({ beta: ['work'] });
      expect(await asker.inspect.conf({ destination: 'beta' })).toMatchObject({ beta: { 'worker.crashBudget': 2 } });
      gate.resolve();
    },
  },
  {
    name: 'workers obey commands: slots, queues, time limits, shutdown; and refuse what is not allowed or makes no sense',
    async run(bench) {
      const app = bench.app();
      const slow = app.task('slow', () => new Promise<void>(() => {}));
      const worker = await bench.worker(app, { name: 'obedient', concurrency: 2, drain: 100 });
      await bench.worker(app, { name: 'strict', queues: ['none'], remoteControl: ['ping'] });
      const destination = 'obedient';
      expect(await app.control.poolGrow(3, { destination })).toEqual({ obedient: 5 });
      expect(await app.control.poolShrink(4, { destination })).toEqual({ obedient: 1 });
      expect(await app.control.poolShrink(1, { destination })).toEqual({
        obedient: { error: 'a worker keeps at least one slot' },
      });
      expect(worker.slots).toBe(1);
      expect(await app.control.poolGrow(1, { destination: 'strict' })).toMatchObject({
        strict: { error: expect.stringContaining('not allowed') },
      });
      expect(await app.control.autoscale(2, 3, { destination })).toMatchObject({
        obedient: { error: expect.stringContaining('min 3 is above max 2') },
      });
      await app.control.addConsumer('extra', { destination });
      await expect(worker.addQueue('a:b')).rejects.toThrow('a queue name without colons');
      await app.control.timeLimit('slow', { hard: 50 }, { destination });
      const result = await slow.applyAsync([], { queue: 'extra' });
      expect(await result.get({ timeout }).catch((error: unknown) => error)).toMatchObject({
        remoteName: 'TimeLimitExceeded',
      });
      await app.control.cancelConsumer('extra', { destination });
      expect(worker.report().queues).toEqual(['default']);
      await app.control.shutdown({ destination });
      await within(worker.shutdownRequested, { what: 'the request to shut down' });
    },
  },
  {
    name: 'a worker with autoscale takes more slots while messages wait, and changes its bounds live',
    async run(bench) {
      const app = bench.app();
      const gate = deferred();
      let begun = 0;
      const work = app.task('work', async () => {
        begun++;
        await gate.promise;
      });
      const worker = await bench.worker(app, { name: 'growing', autoscale: { max: 3, min: 1 } });
      expect(worker.slots).toBe(1);
      const sent = await Promise.all(Array.from({ length: 3 }, () => work.delay()));
      await until(() => begun === 3, { what: 'three slots' });
      expect(await app.control.autoscale(6, 5)).toEqual({ growing: '5 to 6 slots' });
      await until(() => worker.slots === 5, { what: 'five slots' });
      gate.resolve();
      await Promise.all(sent.map((result) => result.get({ timeout })));
    },
  },
  {
    name: 'a rate limit holds over all workers, does not hold up other tasks, and changes live',
    async run(bench) {
      const app = bench.app();
      const starts: number[] = [];
      const limited = app.task({ name: 'limited', rateLimit: '20/s' }, () => void starts.push(Date.now()));
      const free = app.task('free', () => 'done');
      await bench.worker(app, { name: 'one', concurrency: 1 });
      await bench.worker(app, { name: 'two', concurrency: 1 });
      const sent = await Promise.all(Array.from({ length: 20 }, () => limited.delay()));
      const begun = Date.now();
      expect(await free.call([], { timeout })).toBe('done');
      expect(Date.now() - begun).toBeLessThan(700); // behind twenty limited ones that take a second
      await Promise.all(sent.map((result) => result.get({ timeout })));
      starts.sort((a, b) => a - b);
      expect((starts.at(-1) as number) - (starts[0] as number)).toBeGreaterThanOrEqual(940);
      expect(await app.control.rateLimit('limited', null)).toMatchObject({ one: 'limited is not limited' });
      expect(await app.control.rateLimit('limitd', '1/s')).toMatchObject({
        one: { error: expect.stringContaining('no task "limitd"') },
      });
      const again = await Promise.all(Array.from({ length: 20 }, () => limited.delay()));
      const from = Date.now();
      await Promise.all(again.map((result) => result.get({ timeout })));
      expect(Date.now() - from).toBeLessThan(900);
    },
  },
  {
    name: 'events tell the life of tasks and workers, when they are switched on',
    async run(bench) {
      const app = bench.app({ conf: { taskSendSentEvent: true } });
      const act = app.task({ name: 'act', bind: true, defaultRetryDelay: 1 }, async (self, what: string) => {
        await self.progress(what);
        if (what === 'fail') throw new Error('as asked');
        if (what === 'retry' && self.retries === 0) self.retry();
        return what;
      });
      const heard: LovageEvent[] = [];
      await bench.app().events.on('*', (event) => heard.push(event));
      const worker = await bench.worker(app, { name: 'teller' });
      await act.call(['quiet'], { timeout });
      await app.control.enableEvents();
      const ids: string[] = [];
      for (const what of ['fine', 'fail', 'retry']) {
        const result = await act.delay(what);
        ids.push(result.id);
        await settled(result.get({ timeout }));
      }
      await worker.close();
      const info = (id: string | undefined) =>
        heard.filter((event) => 'id' in event && event.id === id).map(({ type }) => type);
      await until(() => heard.some(({ type }) => type === 'worker.offline'), { what: 'worker.offline' });
      await until(() => ids.every((id) => info(id).includes('task.sent')), { what: 'task.sent' });
      const life = (id: string | undefined) => info(id).filter((type) => type !== 'task.sent');
      expect(life(ids[0])).toEqual(['task.received', 'task.started', 'task.progress', 'task.succeeded']);
      expect(life(ids[1])).toEqual(['task.received', 'task.started', 'task.progress', 'task.failed']);
      expect(life(ids[2])).toEqual([
        ...['task.received', 'task.started', 'task.progress', 'task.retried'],
        ...['task.received', 'task.started', 'task.progress', 'task.succeeded'],
      ]);
      expect(heard.filter(({ type }) => type === 'worker.online')).toMatchObject([{ worker: 'teller', slots: 4 }]);
      expect(heard.find(({ type }) => type === 'task.failed')).toMatchObject({
        failure: { name: 'Error', message: 'as asked' },
      });
    },
  },
  {
    name: 'events say that a task started when its handler begins, and not before',
    async run(bench) {
      const app = bench.app();
      const gate = deferred();
      let runs = 0;
      const run = async (): Promise<void> => {
        runs++;
        await gate.promise;
      };
      const limited = app.task({ name: 'limited', rateLimit: '1/h' }, run);
      const single = app.task({ name: 'single', concurrency: { limit: 1 } }, run);
      const late = app.task('late', run);
      const batched = app.batchTask(
        { name: 'batched', size: 2, wait: '10m' },
        (items: readonly BatchItem<[string]>[]) => items.map(() => runs++),
      );
      const heard: LovageEvent[] = [];
      await bench.app().events.on('*', (event) => heard.push(event));
      await bench.worker(app, { events: true, concurrency: 8 });
      await limited.delayMany([[], []]);
      await single.delayMany([[], []]);
      const expired = await late.applyAsync([], { expires: new Date(Date.now() - 1_000) });
      await batched.delay('alone');
      const names = (type: LovageEvent['type']): string[] =>
        heard.flatMap((event) => (event.type === type && 'task' in event ? [event.task] : [])).sort();
      // Whether the second call of a limited or single task is delivered before it can run, or not at all, is the driver's to say.
      const taken = (): boolean =>
        ['batched', 'late', 'limited', 'single'].every((name) => names('task.received').includes(name));
      await until(taken, { what: 'the tasks to be received', timeout: 60_000 });
      await until(() => names('task.revoked').includes('late'), { what: 'the expired task to end', timeout: 60_000 });
      expect(await expired.state()).toBe('REVOKED');
      await until(() => names('task.started').length === 2, { what: 'two tasks to start', timeout: 60_000 });
      expect(names('task.started')).toEqual(['limited', 'single']);
      expect(runs).toBe(2);
      gate.resolve();
      await batched.delay('together');
      await until(() => names('task.started').length === 5, {
        what: 'the held one and the batch to start',
        timeout: 60_000,
      });
      expect(names('task.started')).toEqual(['batched', 'batched', 'limited', 'single', 'single']);
    },
  },
];
