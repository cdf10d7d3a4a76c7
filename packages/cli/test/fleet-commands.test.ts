// The commands in this process, whose memory:// a worker shares with them.
import { Lovage, Reject } from '@lovage/core';
import { until } from '@lovage/core/testing';
import { setOverrides, startWorker, type WorkerOptions } from '@lovage/core/worker';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { main } from '../src/main.ts';

const broker = 'memory://fleet-commands';
const apps: Lovage[] = [];
const output = { stdout: '', stderr: '' };
let exitCodeBefore: typeof process.exitCode;

beforeEach(() => {
  exitCodeBefore = process.exitCode;
  for (const name of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      output[name] += String(text);
      return true;
    });
  }
});
afterEach(async () => {
  process.exitCode = exitCodeBefore;
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

/** Runs a command line; what it printed, without the remark about memory://. */
async function run(...args: string[]) {
  output.stdout = '';
  output.stderr = '';
  await main([...args, '--broker', broker]);
  const stderr = output.stderr.replace(/^memory:\/\/ holds .*\n/, '');
  return { code: process.exitCode, stdout: output.stdout, stderr };
}
const ask = (...args: string[]) => run(...args, '-t', '30ms');
const askJson = async (...args: string[]) => JSON.parse((await ask(...args, '--json')).stdout) as unknown;

/** A worker whose tasks are `add`, `hold` (until it is aborted) and `picky`. */
async function startFleetWorker(name: string, options: WorkerOptions = {}) {
  setOverrides({ flags: {}, file: {} });
  const app = new Lovage('fleet', { broker, logLevel: 'silent', worker: { drain: 0 } });
  apps.push(app);
  const tasks = {
    add: app.task('add', (a: number, b: number) => a + b),
    hold: app.task({ name: 'hold', bind: true }, (self) => {
      return new Promise<void>((_, reject) => {
        self.signal.addEventListener('abort', () => reject(self.signal.reason), { once: true });
      });
    }),
    picky: app.task('picky', (value: unknown) => {
      if (value === 'bad') throw new Reject('not this one');
      return value;
    }),
  };
  return { app, worker: await startWorker(app, { name, concurrency: 2, ...options }), ...tasks };
}

describe('inspect', () => {
  it('asks by name and glob, in tables and JSON', async () => {
    const { hold, worker } = await startFleetWorker('mail-1', { queues: ['mails'] });
    await startFleetWorker('bill-1', { queues: ['bills'] });
    const { id } = await hold.applyAsync([], { queue: 'mails' });
    await hold.applyAsync([], { queue: 'nobodys' });
    await hold.applyAsync([], { queue: 'bills', countdown: '1h' });
    await until(() => worker.report().running.length === 1, { what: 'the task to run' });
    expect(await ask('inspect', 'ping')).toEqual({
      code: 0,
      stdout: 'worker  answer\nbill-1  pong\nmail-1  pong\n',
      stderr: '',
    });
    expect((await ask('inspect', 'ping', '-d', 'mail-*', '-d', 'x')).stdout).toBe('worker  answer\nmail-1  pong\n');
    expect((await ask('inspect', 'ping', '-d', 'mail-1,bill-1')).stdout).toContain('bill-1');
    expect((await ask('inspect', 'active')).stdout).toMatch(
      new RegExp(`^worker  id +task  queue  for\nmail-1  ${id}  hold  mails +\\S+\n$`),
    );
    expect(await askJson('inspect', 'active')).toMatchObject({ 'mail-1': [{ id, queue: 'mails' }], 'bill-1': [] });
    expect(await ask('inspect', 'query', id, 'other')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(id),
      stderr: 'no worker runs other; see lovage result other\n',
    });
    expect(await ask('inspect', 'revoked')).toMatchObject({ code: 0, stderr: 'no worker has broken a task off\n' });
    expect((await ask('inspect', 'registered', '-d', 'bill-1')).stdout).toBe(
      'worker  task\nbill-1  add\nbill-1  hold\nbill-1  picky\n',
    );
    expect((await ask('inspect', 'stats', '-d', 'mail-1')).stdout).toMatch(
      /\nmail-1 +2 +1 +0 +0 +0 +0 +\d+ MiB +\d+ms +-?\d+ms +off +mails +\d+s\n$/,
    );
    expect((await ask('inspect', 'conf', '-d', 'mail-1')).stdout).toMatch(/\nmail-1 +worker\.crashBudget +2\n/);
  });

  it('asks the broker for what waits, since workers hold nothing', async () => {
    await startFleetWorker('bill-1', { queues: ['bills'] });
    expect((await ask('inspect', 'reserved')).stdout).toMatch(/^queue +waiting\nbills +0\n[\s\S]*nobodys +1\n$/);
    expect(await askJson('inspect', 'scheduled', '-d', 'bill-1')).toEqual([{ queue: 'bills', delayed: 1 }]);
    expect(await ask('inspect', 'reserved', '-d', 'x')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error: no worker named x answered within 30ms\n',
    });
  });
});

describe('control', () => {
  it('changes workers, and tells who refuses', async () => {
    const { worker, hold } = await startFleetWorker('w1');
    await startFleetWorker('w2', { queues: ['other'], remoteControl: ['ping'] });
    const control = (...args: string[]) => ask('control', ...args, '-d', 'w1');
    const says = (answer: string) => ({ code: 0, stdout: `worker  answer\nw1      ${answer}\n`, stderr: '' });
    expect(await control('pool-grow', '3')).toEqual(says('5 slots'));
    expect(await control('pool-shrink')).toEqual(says('4 slots'));
    expect(await control('autoscale', '6', '4')).toEqual(says('4 to 6 slots'));
    expect(await control('rate-limit', 'add', '100/m')).toEqual(says('add is limited to 100/m'));
    expect(await control('rate-limit', 'add', '7')).toEqual(says('add is limited to 7/s'));
    expect(await control('rate-limit', 'add', 'none')).toEqual(says('add is not limited'));
    expect(await control('time-limit', 'add', '--soft', '1s', '--hard', '2s')).toEqual(
      says('time limits of add are set'),
    );
    expect(await control('add-consumer', 'more')).toEqual(says('consuming more'));
    expect(await control('cancel-consumer', 'more')).toEqual(says('not consuming more'));
    expect(await control('enable-events')).toEqual(says('events are on'));
    expect(await control('disable-events')).toEqual(says('events are off'));
    expect(await control('rate-limit', 'ad', '1/s')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error: w1: this worker has no task "ad"\n',
    });
    expect(await ask('control', 'enable-events')).toMatchObject({
      code: 0,
      stdout: 'worker  answer\nw1      events are on\n',
      stderr: expect.stringMatching(/^error: w2: the command enable-events is not allowed/),
    });
    expect(await askJson('control', 'pool-shrink', '9', '-d', 'w1')).toEqual({
      w1: { error: 'a worker keeps at least one slot' },
    });
    expect(process.exitCode).toBe(1);
    const { id } = await hold.delay();
    await until(() => worker.report().running.length === 1, { what: 'the task to run' });
    expect(await control('terminate', id)).toEqual({
      code: 0,
      stdout: `revoked ${id}\nw1 broke off ${id}\n`,
      stderr: '',
    });
    expect(await control('shutdown')).toEqual(says('shutting down'));
    await worker.shutdownRequested;
  });

  it('revokes by stamp, shows the rules and lifts them', async () => {
    const { hold } = await startFleetWorker('w1', { queues: ['other'] });
    const { id } = await hold.applyAsync([], { stamps: { customer: 42 } });
    expect(await ask('control', 'revoke', '--stamp', 'customer=42', '--terminate')).toEqual({
      code: 0,
      stdout: `revoked ${id}\n`,
      stderr: '',
    });
    const shown = await ask('inspect', 'revoked');
    expect(shown.stdout).toMatch(/^stamp +terminate +holds for\ncustomer=42 +yes +(3h|2h59m\d+s)\ncustomer=42 +yes /);
    expect(await askJson('inspect', 'revoked')).toMatchObject({
      stamps: [{ stamp: 'customer' }, { stamp: 'customer' }],
      workers: { w1: [] },
    });
    const lift = () => ask('control', 'lift', '--stamp', 'customer=42');
    expect(await lift()).toEqual({ code: 0, stdout: '', stderr: 'lifted 2 rules\n' });
    expect(await lift()).toMatchObject({ code: 1, stderr: 'lifted 0 rules\n' });
    expect(await ask('control', 'revoke')).toMatchObject({ code: 2, stderr: expect.stringContaining('--stamp') });
    expect(await ask('control', 'revoke', 'a', '--stamp', 'b=c')).toMatchObject({ code: 2 });
    expect(await ask('control', 'revoke', '--stamp', 'b')).toMatchObject({ code: 2 });
  });

  it('revokes also when no worker answers, and is 1 when one should have', async () => {
    expect(await ask('control', 'revoke', 'a', 'b')).toEqual({ code: 0, stdout: 'revoked a\nrevoked b\n', stderr: '' });
    expect(await ask('control', 'revoke', 'a', '--terminate')).toEqual({
      code: 1,
      stdout: 'revoked a\n',
      stderr: 'no worker answered within 30ms: a task that runs is not broken off, but its outcome stays REVOKED\n',
    });
    expect(await askJson('control', 'terminate', 'a')).toEqual({ revoked: ['a'], terminated: {} });
    expect(await ask('control', 'shutdown')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error: no worker answered within 30ms\n',
    });
  });
});

describe('events', () => {
  it('are switched on with --enable, and printed as they happen', async () => {
    const { add } = await startFleetWorker('teller');
    const running = run('events', '--enable', '--type', 'task.received', '--type', 'task.succeeded', '--count', '2');
    await until(() => output.stderr.includes('events are on at 1 worker;'), { what: 'the events to be on' });
    const { id } = await add.delay(1, 2);
    const { code, stdout } = await running;
    expect(code).toBe(0);
    expect(stdout).toMatch(
      new RegExp(`^\\S+ task\\.received {4}add {2}worker=teller {2}id=${id} .*\n\\S+ task\\.succeeded {3}add .*\n$`),
    );
  });
});

describe('dlq', () => {
  it('shows what it would do, and what cannot be sent', async () => {
    const { app, picky } = await startFleetWorker('w1');
    const { id } = await picky.delay('bad');
    await app
      .asyncResult(id)
      .get()
      .catch(() => undefined);
    expect(await run('dlq', 'list', '--limit', '5', '--json')).toMatchObject({ stdout: expect.stringContaining(id) });
    expect(await run('dlq', 'replay', id, '--dry-run', '--to', 'slow')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(new RegExp(`^${id} → \\S+ {2}picky {2}slow\n$`)),
      stderr: 'would be sent: 1\n',
    });
    expect(await run('dlq', 'replay', id, '--args', `["${'x'.repeat(1_100_000)}"]`)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        new RegExp(`^error: ${id} stays: arguments of task "picky" take .*\nsent: 0, refused: 1\n$`),
      ),
    });
    expect((await run('dlq', 'replay', '--dry-run', '--json', '--task', 'x')).stdout).toBe('');
    expect(await run('dlq', 'replay', 'nobody')).toMatchObject({
      code: 1,
      stderr: 'error: there is no dead letter of task nobody\n',
    });
    expect((await run('dlq', 'purge', '--dry-run')).stdout).toBe('would delete 1 dead letter\n');
    expect(await run('dlq', 'purge', id, '--force', '--json')).toMatchObject({ code: 0, stdout: '{"deleted":1}\n' });
    expect(await run('dlq', 'list')).toEqual({ code: 0, stdout: '', stderr: 'no dead letters\n' });
    expect(await run('dlq', 'show', id)).toEqual({
      code: 1,
      stdout: '',
      stderr: `error: there is no dead letter of task ${id}\n`,
    });
  });
});

describe('capacity', () => {
  it('measures the workers of a queue, and counts slots for a target', async () => {
    const { add } = await startFleetWorker('adder', { queues: ['default', 'mails'] });
    const calling = (async () => {
      for (let n = 0; n < 40; n += 1) await add.call([n, n], { timeout: '5s' });
    })();
    const { code, stdout, stderr } = await run(
      'capacity',
      'default',
      '--over',
      '300ms',
      '--wait-p95',
      '2s',
      '-t',
      '30ms',
    );
    await calling;
    expect(code).toBe(0);
    expect(stderr).toContain('measuring for 300ms');
    expect(stdout).toMatch(/^queue +default\nworkers +1, with 2 slots, shared with mails\narrivals +\d/);
    expect(stdout).toMatch(/\nslots for p95 ≤ 2s +1\n\nwait +predicted +measured\nmean +\S+ +\S+\np95 +\S+ +\S+\n$/);
    const json = await askJson('capacity', 'default', '--over', '100ms');
    expect(json).toMatchObject({ queue: 'default', queues: ['default', 'mails'], workers: ['adder'], slots: 2 });
  });

  it('has nothing to say of a queue without workers', async () => {
    expect(await ask('capacity', 'nobody', '--over', '50ms', '--json')).toMatchObject({
      code: 1,
      stderr: 'error: no worker of queue "nobody" answered: there is nothing to measure\n',
    });
    expect(await ask('capacity', 'nobody', '--over', '5')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--over: "5" has no unit'),
    });
  });
});
