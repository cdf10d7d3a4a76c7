import { expect } from 'vitest';
import { chain } from '../../canvas/chain.ts';
import { TaskFailedError } from '../../errors.ts';
import { Ignore, Reject } from '../../message/control-signal.ts';
import { until } from '../until.ts';
import { type Scenario, settled } from './scenario-bench.ts';

const timeout = '20s';

class CardNetworkError extends Error {
  override readonly name = 'CardNetworkError';
  readonly status: number;
  constructor(status: number) {
    super(`card network answered ${status}`);
    this.status = status;
  }
}

/** How tasks end: values, failures, retries, limits. */
export const endingScenarios: readonly Scenario[] = [
  {
    name: 'a failure arrives with its name, message, remote stack, fields, cause and attempts',
    async run(bench) {
      const app = bench.app();
      const fail = app.task('fail', () => {
        const error = new RangeError('outer', { cause: new TypeError('inner') });
        throw Object.assign(error, { status: 418, circular: error });
      });
      await bench.worker(app);
      const error = await fail.call([], { timeout }).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(TaskFailedError);
      expect(error).toMatchObject({
        message: 'outer',
        remoteName: 'RangeError',
        task: 'fail',
        attempts: 1,
        data: { status: 418 },
      });
      expect((error as TaskFailedError).remoteStack).toContain('RangeError: outer');
      expect((error as Error).cause).toMatchObject({ name: 'TypeError', message: 'inner' });
    },
  },
  {
    name: 'thrown values of every kind become failures',
    async run(bench) {
      const app = bench.app();
      const circular: Record<string, unknown> = { kind: 'circular' };
      circular.self = circular;
      const values: Record<string, unknown> = { text: 'just text', nothing: undefined, circular };
      const fail = app.task('fail', (which: string) => {
        throw values[which];
      });
      await bench.worker(app);
      expect(await settled(fail.call(['text'], { timeout }))).toEqual({
        name: 'TaskFailedError',
        message: 'just text',
      });
      expect(await settled(fail.call(['nothing'], { timeout }))).toEqual({
        name: 'TaskFailedError',
        message: 'undefined was thrown',
      });
      expect(await settled(fail.call(['circular'], { timeout }))).toMatchObject({
        message: expect.stringContaining('circular'),
      });
    },
  },
  {
    name: 'return values of every kind: undefined arrives, what JSON cannot carry is a failure that says so',
    async run(bench) {
      const app = bench.app({ maxResult: 100_000 });
      const values: Record<string, unknown> = {
        nothing: undefined,
        null: null,
        big: 1n,
        code: () => 1,
        huge: 'x'.repeat(5_000_000),
      };
      const give = app.task('give', (which: string) => values[which]);
      await bench.worker(app);
      expect(await give.call(['nothing'], { timeout })).toBeUndefined();
      expect(await give.call(['null'], { timeout })).toBeNull();
      expect(await settled(give.call(['big'], { timeout }))).toMatchObject({
        message: expect.stringContaining('return value is a bigint'),
      });
      expect(await settled(give.call(['code'], { timeout }))).toMatchObject({
        message: expect.stringContaining('a function'),
      });
      expect(await settled(give.call(['huge'], { timeout }))).toMatchObject({
        message: expect.stringMatching(/5000002 bytes.*maxResult/s),
      });
    },
  },
  {
    name: 'registered error classes come back as themselves',
    async run(bench) {
      const app = bench.app();
      const charge = app.task('charge', () => {
        throw new CardNetworkError(503);
      });
      await bench.worker(app);
      const caller = bench.app();
      caller.registerError(CardNetworkError);
      const { id } = await charge.delay();
      const error = await caller
        .asyncResult(id)
        .get({ timeout })
        .catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(CardNetworkError);
      expect(error).toMatchObject({ status: 503, message: 'card network answered 503', name: 'CardNetworkError' });
      expect(await settled(app.asyncResult(id).get())).toMatchObject({ name: 'TaskFailedError' });
    },
  },
  {
    name: 'a task retries itself with backoff, then ends with its last error',
    async run(bench) {
      const app = bench.app();
      const starts: number[] = [];
      const options = { name: 'fail', autoretryFor: [RangeError], retryBackoff: 50, retryJitter: false, maxRetries: 2 };
      const fail = app.task(options, () => {
        starts.push(Date.now());
        throw new RangeError(`attempt ${starts.length}`);
      });
      await bench.worker(app);
      const error = await fail.call([], { timeout }).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ message: 'attempt 3', attempts: 3 });
      expect((starts[1] as number) - (starts[0] as number)).toBeGreaterThanOrEqual(49);
      expect((starts[2] as number) - (starts[1] as number)).toBeGreaterThanOrEqual(99);
    },
  },
  {
    name: 'self.retry changes the arguments, keeps the id, counts, and succeeds',
    async run(bench) {
      const app = bench.app();
      const climb = app.task({ name: 'climb', bind: true }, (self, n: number): unknown => {
        if (n < 3) throw self.retry({ countdown: 20, args: [n + 1] });
        return [self.id, self.retries, self.attempt, n];
      });
      await bench.worker(app);
      const result = await climb.delay(0);
      expect(await result.get({ timeout })).toEqual([result.id, 3, 4, 3]);
    },
  },
  {
    name: 'a waiting retry reads RETRY, with the error as info nowhere lost',
    async run(bench) {
      const app = bench.app();
      const later = app.task({ name: 'later', bind: true }, (self) =>
        self.retry({ countdown: '1h', exc: new Error('not yet') }),
      );
      await bench.worker(app);
      const result = await later.delay();
      await until(async () => (await result.state()) === 'RETRY', { what: 'the state RETRY' });
    },
  },
  {
    name: 'Ignore acknowledges and leaves no outcome; Reject fails and parks the message',
    async run(bench) {
      const app = bench.app();
      const act = app.task({ name: 'act', maxRetries: 0 }, (what: string) => {
        if (what === 'ignore') throw new Ignore();
        throw new Reject('not for me');
      });
      const marker = app.task('marker', () => 'here');
      await bench.worker(app, { concurrency: 1 });
      const ignored = await act.delay('ignore');
      await marker.call([], { timeout });
      expect(await ignored.state()).toBe('PENDING');
      expect(await settled(act.call(['reject'], { timeout }))).toEqual({
        name: 'TaskFailedError',
        message: 'not for me',
      });
    },
  },
  {
    name: 'Reject with requeue puts the task back at once, until its bound',
    async run(bench) {
      const app = bench.app();
      let runs = 0;
      const act = app.task('act', () => {
        runs++;
        throw new Reject('again', { requeue: true });
      });
      await bench.worker(app);
      expect(await settled(act.call([], { timeout }))).toEqual({ name: 'TaskFailedError', message: 'again' });
      expect(runs).toBe(101);
    },
  },
  {
    name: 'an expired task is not run and ends REVOKED',
    async run(bench) {
      const app = bench.app();
      let runs = 0;
      const note = app.task('note', () => void ++runs);
      const result = await note.applyAsync([], { expires: 1 });
      const sentAt = Date.now();
      const fresh = await note.applyAsync([], { expires: '1h' });
      await until(() => Date.now() > sentAt + 1, { what: 'a millisecond to pass' });
      await bench.worker(app);
      expect(await settled(result.get({ timeout }))).toMatchObject({
        name: 'TaskRevokedError',
        message: expect.stringContaining('expired'),
      });
      await fresh.get({ timeout });
      expect(runs).toBe(1);
    },
  },
  {
    name: 'a task that no worker knows ends when it expires or its stamp is revoked, and with it what depends on it',
    async run(bench) {
      const app = bench.app();
      const next = app.task('next', () => 1);
      const unknown = app.remote('nosuch').si().set({ expires: '100ms' });
      await bench.worker(app);
      const alone = await unknown.applyAsync([]);
      const chained = await chain(unknown, next.si()).applyAsync([]);
      for (const result of [alone, chained]) {
        expect(await settled(result.get({ timeout }))).toMatchObject({
          name: 'TaskRevokedError',
          message: expect.stringContaining('expired'),
        });
      }
      const stamped = app
        .remote('nosuch')
        .si()
        .set({ stamps: { tenant: 'gone' } });
      await app.control.revokeByStampedHeaders({ tenant: 'gone' });
      const refused = await chain(stamped, next.si()).applyAsync([]);
      expect(await settled(refused.get({ timeout }))).toMatchObject({ name: 'TaskRevokedError' });
    },
  },
  {
    name: 'the soft time limit aborts the signal, and the handler may still return',
    async run(bench) {
      const app = bench.app();
      const hasLongWait = app.task({ name: 'patient', bind: true, softTimeLimit: 50 }, async (self) => {
        await new Promise((resolve) => self.signal.addEventListener('abort', resolve, { once: true }));
        return (self.signal.reason as Error).name;
      });
      const strict = app.task({ name: 'strict', bind: true, softTimeLimit: 50, maxRetries: 0 }, async (self) => {
        await new Promise((_, reject) =>
          self.signal.addEventListener('abort', () => reject(self.signal.reason), { once: true }),
        );
      });
      await bench.worker(app);
      expect(await hasLongWait.call([], { timeout })).toBe('SoftTimeLimitExceeded');
      const error = await strict.call([], { timeout }).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ remoteName: 'SoftTimeLimitExceeded', message: expect.stringContaining('50 ms') });
    },
  },
  {
    name: 'the hard time limit ends the attempt and frees its slot',
    async run(bench) {
      const app = bench.app();
      const stuck = app.task({ name: 'stuck', timeLimit: 60 }, () => new Promise<void>(() => {}));
      const add = app.task('add', (x: number, y: number) => x + y);
      await bench.worker(app, { concurrency: 1, drain: 100 });
      const result = await stuck.delay();
      expect(await add.call([1, 2], { timeout })).toBe(3);
      expect(await result.get({ timeout }).catch((caught: unknown) => caught)).toMatchObject({
        remoteName: 'TimeLimitExceeded',
      });
    },
  },
  {
    name: 'progress and own states are seen while the task runs',
    async run(bench) {
      const app = bench.app();
      let go: () => void = () => {};
      const gate = new Promise<void>((resolve) => {
        go = resolve;
      });
      const work = app.task({ name: 'work', bind: true }, async (self) => {
        await self.progress({ current: 1, total: 2 });
        await self.updateState('UPLOADING', { file: 'a.txt' });
        await gate;
        await self.progress({ current: 2, total: 2 });
        return 'done';
      });
      await bench.worker(app);
      const result = await work.delay();
      const seen: unknown[] = [];
      const watching = (async () => {
        for await (const value of result.progress()) seen.push(value);
      })();
      await until(async () => (await result.state()) === 'UPLOADING', { what: 'the state UPLOADING' });
      expect(await result.info()).toEqual({ file: 'a.txt' });
      go();
      expect(await result.get({ timeout })).toBe('done');
      await watching;
      expect(seen.at(-1)).toEqual({ current: 2, total: 2 });
      expect(await result.info()).toBe('done');
    },
  },
  {
    name: 'states: PENDING for an unknown id, SENT while it waits, STARTED when tracked, SUCCESS at the end, PENDING when forgotten',
    async run(bench) {
      const app = bench.app();
      let go: () => void = () => {};
      const gate = new Promise<void>((resolve) => {
        go = resolve;
      });
      const tracked = app.task({ name: 'tracked', trackStarted: true }, () => gate);
      const plain = app.task('plain', () => gate);
      expect(await app.asyncResult('nobody-knows-me').state()).toBe('PENDING');
      const one = await tracked.delay();
      const two = await plain.delay();
      expect([await one.state(), await two.state()]).toEqual(['SENT', 'SENT']);
      await bench.worker(app);
      await until(async () => (await one.state()) === 'STARTED', { what: 'STARTED' });
      await until(async () => (await two.state()) === 'RECEIVED', { what: 'RECEIVED' });
      expect([await one.ready(), await one.successful(), await one.failed()]).toEqual([false, false, false]);
      go();
      await one.get({ timeout });
      expect([await one.state(), await one.ready(), await one.successful()]).toEqual(['SUCCESS', true, true]);
      await one.forget();
      expect(await one.state()).toBe('PENDING');
    },
  },
  {
    name: 'get ends on its timeout and on its signal, and the task goes on',
    async run(bench) {
      const app = bench.app();
      const add = app.task('add', (x: number, y: number) => x + y);
      const result = await add.delay(1, 2);
      expect(await settled(result.get({ timeout: 30 }))).toMatchObject({
        name: 'ResultTimeoutError',
        message: expect.stringContaining('within 30 ms'),
      });
      const controller = new AbortController();
      const waiting = result.get({ signal: controller.signal });
      controller.abort(new Error('enough'));
      expect(await settled(waiting)).toEqual({ name: 'Error', message: 'enough' });
      expect(await settled(app.asyncResult('unknown-id').get({ timeout: 30 }))).toMatchObject({
        name: 'ResultTimeoutError',
      });
      await bench.worker(app);
      expect(await result.get({ timeout })).toBe(3);
    },
  },
  {
    name: 'a result that is gone is ResultExpiredError, not an endless wait',
    async run(bench) {
      const app = bench.app();
      const add = app.task({ name: 'add', resultExpires: 50 }, (x: number, y: number) => x + y);
      await bench.worker(app);
      const result = await add.delay(1, 2);
      await result.get({ timeout });
      await until(async () => (await result.state()) === 'PENDING', { what: 'the record to expire' });
      expect(await settled(bench.app().asyncResult(result.id).get({ timeout }))).toMatchObject({
        name: 'ResultExpiredError',
      });
    },
  },
];
