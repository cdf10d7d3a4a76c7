import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import type { Driver } from '../src/driver/driver.ts';
import { memoryDriver } from '../src/driver/memory/memory-driver.ts';
import type { LogFields, Logger } from '../src/logger.ts';
import { deferred, until } from '../src/testing/until.ts';
import type { Middleware } from '../src/worker/middleware/middleware.ts';
import { startWorker, type WorkerOptions } from '../src/worker/start-worker.ts';
import type { Worker } from '../src/worker/worker.ts';

const appModule = { url: new URL('fixtures/pool-app.mjs', import.meta.url).href, exportName: 'app' };
const timeout = '20s';

interface Stubs {
  readonly app: Lovage;
  readonly log: { readonly message: string; readonly fields: LogFields }[];
  call(name: string, ...args: unknown[]): Promise<unknown>;
  start(options?: WorkerOptions): Promise<Worker>;
}

let folder: string;
let ledger: string;
const open: Lovage[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lovage-pools-'));
  ledger = join(folder, 'ledger.txt');
  vi.stubEnv('LEDGER', ledger);
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((app) => app.close()));
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const lines = (): readonly string[] => (existsSync(ledger) ? readFileSync(ledger, 'utf8').trim().split('\n') : []);

/** The worker's own side: the same task names, whose handlers must not run here. */
function createStubs(): Stubs {
  const log: { message: string; fields: LogFields }[] = [];
  const line = (message: string, fields: LogFields = {}) => void log.push({ message, fields });
  const logger: Logger = { debug: () => {}, info: line, warn: line, error: line, child: () => logger };
  const app = new Lovage('pools', { broker: 'memory://', logger });
  open.push(app);
  const here = () => {
    throw new Error('the handler ran in the worker itself');
  };
  const limits: Record<string, object> = {
    spin: { timeLimit: 300 },
    climb: { maxRetries: 5 },
    auto: { maxRetries: 2 },
    soft: { softTimeLimit: 50 },
  };
  for (const name of [
    'where',
    'add',
    'context',
    'climb',
    'auto',
    'caller',
    'reject',
    'log',
    'soft',
    'linger',
    'stray',
    'wait',
    'heed',
    'spin',
    'exit',
    'segfault',
    'hog',
  ]) {
    app.task({ name, ...limits[name] }, here);
  }
  return {
    app,
    log,
    call: async (name, ...args) => (await app.sendTask(name, args)).get({ timeout }),
    start: (options = {}) => startWorker(app, { concurrency: 2, drain: '1s', appModule, ...options }),
  };
}

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    (value) => ({ value }),
    (error: unknown) => error,
  );

describe.each(['threads', 'processes'] as const)('the pool of %s', { timeout: 60_000 }, (pool) => {
  it('runs handlers elsewhere, with context, progress, logs, retries and rejections', async () => {
    const { app, log, call, start } = createStubs();
    const worker = await start({ pool, name: 'w' });
    const [pid, thread] = (await call('where')) as [number, number];
    expect(pool === 'threads' ? [pid === process.pid, thread > 0] : [pid === process.pid, thread]).toEqual(
      pool === 'threads' ? [true, true] : [false, 0],
    );
    expect(await Promise.all(Array.from({ length: 20 }, (_, n) => call('add', n, 1)))).toEqual(
      Array.from({ length: 20 }, (_, n) => n + 1),
    );
    const result = await app.sendTask('context', ['half']);
    const seen: unknown[] = [];
    for await (const value of result.progress()) seen.push(value);
    expect(seen).toEqual([{ at: 'half' }]);
    expect(await result.get({ timeout })).toEqual([result.id, 'context', 1, 'w', 'default']);
    expect(log).toContainEqual({
      message: 'from the child',
      fields: { task: 'context', taskId: result.id, attempt: 1, what: 'half' },
    });
    expect(await call('climb', 0)).toEqual([3, 3]);
    const loud = await app.sendTask('add', [1, 2], { headers: { loud: true } });
    expect(await loud.get({ timeout })).toBe('3 for add!'); // by the plugin of the app that the child loaded
    expect(await failure(call('auto'))).toMatchObject({ remoteName: 'RangeError', attempts: 3 });
    expect(await failure(call('reject'))).toMatchObject({ remoteName: 'Reject', message: 'not here' });
    await worker.close();
  });

  it('kills a handler that never ends at its hard limit, and only then goes on', async () => {
    const { call, start } = createStubs();
    await start({ pool, concurrency: 1 });
    expect(await failure(call('spin', 'first'))).toMatchObject({ remoteName: 'TimeLimitExceeded' });
    const spinning = lines().length;
    expect(await call('add', 1, 2)).toBe(3);
    expect(lines().length).toBe(spinning); // a thread that still spun would still write
    expect(spinning).toBeGreaterThan(0);
  });

  it('aborts and kills what is terminated', async () => {
    const { app, call, start } = createStubs();
    await start({ pool, concurrency: 1 });
    const result = await app.sendTask('heed');
    await until(() => lines().includes('heed begins'));
    await result.revoke({ terminate: true });
    expect(await failure(result.get({ timeout }))).toMatchObject({ name: 'TaskRevokedError' });
    expect(await call('add', 1, 2)).toBe(3);
  });

  it('tells a handler what is left for its caller, and that it has left', async () => {
    const { app, start } = createStubs();
    await start({ pool, concurrency: 1 });
    await app.sendTask('caller', [], { deadline: 1_000 });
    await until(() => lines().includes('caller left: true 0 DeadlineExceeded'), { what: () => lines().join() });
  });

  it('breaks off no other task for one that has ended', async () => {
    const ended = deferred();
    const gate = deferred();
    const late: Middleware = {
      name: 'late',
      applies: ({ message }) => message.task === 'add',
      async run(_attempt, next) {
        const result = await next();
        ended.resolve();
        await gate.promise;
        return result;
      },
    };
    const { app, start } = createStubs();
    await start({ pool, middleware: [late] });
    const first = await app.sendTask('add', [1, 2]);
    await ended.promise;
    const second = await app.sendTask('wait'); // in the child that is free again
    await until(() => lines().includes('wait begins'));
    await app.control.terminate(first.id, { timeout: 100 });
    appendFileSync(ledger, 'go on\n');
    expect(await second.get({ timeout })).toBe('waited');
    gate.resolve();
    expect(await failure(first.get({ timeout }))).toMatchObject({ name: 'TaskRevokedError' });
  });

  it('counts no time limit while a child starts, and waits for none that was terminated', async () => {
    const { app, call, start } = createStubs();
    const worker = await start({ pool, concurrency: 3 });
    const first = await app.sendTask('wait');
    await until(() => lines().includes('wait begins'));
    vi.stubEnv('LOAD_MS', '500');
    expect(await (await app.sendTask('add', [1, 2], { timeLimit: 300 })).get({ timeout })).toBe(3);
    const second = app.sendTask('wait');
    await until(() => lines().filter((line) => line === 'wait begins').length === 2);
    vi.stubEnv('LOAD_MS', '3600000');
    const third = await app.sendTask('add', [1, 2]);
    await until(() => worker.report().running.length === 3);
    await app.control.terminate(third.id, { timeout: 100 });
    await until(() => worker.report().running.length === 2);
    appendFileSync(ledger, 'go on\n');
    expect(await Promise.all([first.get({ timeout }), (await second).get({ timeout })])).toEqual(['waited', 'waited']);
    expect(await call('add', 3, 4)).toBe(7);
  });

  it('starts no child after the other for a task whose child does not come up', async () => {
    const { app, log, start } = createStubs();
    await start({ pool });
    const first = await app.sendTask('wait');
    await until(() => lines().includes('wait begins'));
    vi.stubEnv('LOAD_FAILS', '1');
    const second = await app.sendTask('add', [1, 2]);
    const failed = (): number => log.filter(({ message }) => message.includes('did not start')).length;
    const began = performance.now();
    await until(() => failed() >= 2);
    expect(performance.now() - began).toBeGreaterThan(900);
    vi.stubEnv('LOAD_FAILS', '');
    expect(await second.get({ timeout })).toBe(3);
    appendFileSync(ledger, 'go on\n');
    expect(await first.get({ timeout })).toBe('waited');
  });

  it('takes what a handler reports after its end for no news of the next task', async () => {
    const { app, start } = createStubs();
    await start({ pool, concurrency: 1 });
    await app.sendTask('linger');
    const result = await app.sendTask('wait');
    const seen: unknown[] = [];
    const listening = (async () => {
      for await (const value of result.progress()) seen.push(value);
    })();
    await until(() => lines().includes('linger is answered'), { what: () => lines().join() });
    appendFileSync(ledger, 'go on\n');
    expect(await result.get({ timeout })).toBe('waited');
    await listening;
    expect(seen).toEqual([]);
  });

  it('charges no task with a promise that an earlier one left', async () => {
    const { app, log, call, start } = createStubs();
    await start({ pool, concurrency: 1 });
    await call('stray');
    const result = await app.sendTask('wait');
    const nobody = (): boolean => log.some(({ message }) => message.includes('unhandled promise rejection'));
    await until(() => nobody() || lines().length > 1, { what: 'the line in the log' });
    appendFileSync(ledger, 'go on\n');
    expect(await result.get({ timeout })).toBe('waited');
    expect(lines().filter((line) => line === 'wait begins')).toHaveLength(1);
    expect(log).toContainEqual({
      message: expect.stringContaining('unhandled promise rejection'),
      fields: { error: expect.objectContaining({ name: 'RangeError', message: 'nobody catches it' }) },
    });
  });

  it('logs whatever a handler logs, and tells it its limits', async () => {
    const { log, call, start } = createStubs();
    await start({ pool, concurrency: 1 });
    await call('log');
    expect(log).toContainEqual({
      message: 'it broke',
      fields: expect.objectContaining({
        task: 'log',
        knot: { big: '1' },
        error: expect.objectContaining({ name: 'RangeError', message: 'too far', stack: expect.any(String) }),
      }),
    });
    expect(await call('soft')).toEqual([50, 'soft time limit of 50 ms passed']);
  });

  it('survives a handler that ends its process, which fails after the crash budget', async () => {
    const { call, start } = createStubs();
    await start({ pool, crashBudget: 2 });
    const sibling = call('add', 20, 22);
    expect(await failure(call('exit'))).toMatchObject({
      name: 'WorkerLostError',
      message: expect.stringContaining('lost 3 times'),
    });
    expect(lines()).toEqual(['exit begins', 'exit begins', 'exit begins']);
    expect(await sibling).toBe(42);
    expect(await call('add', 1, 2)).toBe(3);
  });

  it('replaces a child after its tasks', async () => {
    const { call, start } = createStubs();
    await start({ pool, concurrency: 1, maxTasksPerChild: 2 });
    const seen: string[] = [];
    for (let turn = 0; turn < 6; turn++) seen.push(String(await call('where')));
    expect(new Set(seen).size).toBe(3);
  });

  it('hands back what runs when the worker ends before it', async () => {
    const { app, start } = createStubs();
    const worker = await start({ pool });
    const result = await app.sendTask('heed');
    await until(() => lines().length === 1);
    await worker.close({ drain: 50 });
    expect(await result.state()).toBe('SENT');
  });

  it('hands nothing back that still runs there', async () => {
    const { app, start } = createStubs();
    app.task('churn', () => {
      appendFileSync(ledger, 'begun anew\n');
      return 'done';
    });
    const ends: string[] = [];
    const watch: Middleware = {
      name: 'watch',
      async run(_attempt, next) {
        const result = await next();
        ends.push(result.state);
        return result;
      },
    };
    const first = await start({ pool, concurrency: 1, middleware: [watch] });
    const result = await app.sendTask('churn');
    await until(() => lines().includes('churns'));
    await first.removeQueue('default');
    await start({ pool: 'async' });
    expect(await first.close({ drain: 0 })).toEqual({ released: 1, abandoned: 0 });
    expect(ends).toEqual(['RELEASED']); // by itself, since its child was gone: not taken from under it
    expect(await result.get({ timeout })).toBe('done');
    expect(lines().lastIndexOf('churns')).toBeLessThan(lines().indexOf('begun anew'));
  });

  it('says at once when the app does not load there', async () => {
    const { start } = createStubs();
    const wrong = { ...appModule, exportName: 'nothing' };
    await expect(start({ pool, appModule: wrong })).rejects.toThrow('exports no app named "nothing"');
    await expect(startWorker(open[0] as Lovage, { pool })).rejects.toThrow('give startWorker the option appModule');
  });
});

it('a process that is ended by a signal takes nothing else with it', { timeout: 30_000 }, async () => {
  const { call, start } = createStubs();
  await start({ pool: 'processes', crashBudget: 1 });
  expect(await failure(call('segfault'))).toMatchObject({ name: 'WorkerLostError' });
  expect(lines()).toEqual(['segfault begins', 'segfault begins']);
  expect(await call('add', 1, 2)).toBe(3);
});

it('signals that a terminal gives to every process are for the worker to heed', { timeout: 30_000 }, async () => {
  const { app, call, start } = createStubs();
  await start({ pool: 'processes', concurrency: 1 });
  const [pid] = (await call('where')) as [number, number];
  const result = await app.sendTask('wait');
  await until(() => lines().includes('wait begins'));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const) process.kill(pid, signal);
  appendFileSync(ledger, 'go on\n');
  expect(await result.get({ timeout })).toBe('waited');
  expect(lines().filter((line) => line === 'wait begins')).toHaveLength(1);
});

it('a process that holds too much after a task is replaced', { timeout: 30_000 }, async () => {
  const { call, start } = createStubs();
  await start({ pool: 'processes', concurrency: 1, maxMemoryPerChild: '32MiB' }); // node alone holds more
  const seen = [await call('where'), await call('where'), await call('where')].map(String);
  expect(new Set(seen).size).toBe(3);
});

it('a process that runs out of memory takes nothing else with it', { timeout: 30_000 }, async () => {
  const { call, start } = createStubs();
  await start({ pool: 'processes', crashBudget: 0, maxMemoryPerChild: '64MiB' });
  expect(await failure(call('hog'))).toMatchObject({ name: 'WorkerLostError' });
  expect(await call('add', 1, 2)).toBe(3);
});

it('a worker that cannot start leaves no child behind', { timeout: 30_000 }, async () => {
  const broken: Driver = {
    name: 'broken',
    schemes: ['broken'],
    connect(url, context) {
      const connection = memoryDriver.connect(url.replace('broken:', 'memory:'), context);
      Object.assign(connection.broker as object, { consume: () => Promise.reject(new Error('nothing to consume')) });
      return connection;
    },
  };
  const children = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'ProcessWrap').length;
  const before = children();
  await using app = new Lovage('pools', { broker: 'broken://', drivers: [broken], logLevel: 'silent' });
  await expect(startWorker(app, { pool: 'processes', appModule })).rejects.toThrow('nothing to consume');
  await until(() => children() === before, { what: 'the end of the children' });
});
