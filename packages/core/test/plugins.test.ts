import { afterEach, describe, expect, it } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import { startBeat } from '../src/beat/beat.ts';
import { chain } from '../src/canvas/chain.ts';
import { Inspector } from '../src/inspect/inspector.ts';
import { type LogFields, type Logger, silentLogger } from '../src/logger.ts';
import { Reject } from '../src/message/control-signal.ts';
import type { Plugin } from '../src/plugins/plugin.ts';
import { currentTask } from '../src/task/task-context.ts';
import type { TaskOptions } from '../src/task/task-options.ts';
import { deferred, until } from '../src/testing/until.ts';
import { startWorker } from '../src/worker/start-worker.ts';

const open: Lovage[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((app) => app.close()));
});

function createApp(plugins: readonly Plugin[], logger: Logger = silentLogger): Lovage {
  const app = new Lovage('plugged', { broker: 'memory://', logger, plugins });
  open.push(app);
  return app;
}

const timeout = '10s';

describe('publish', () => {
  const tenant: Plugin = {
    name: 'tenant',
    publish(call) {
      call.headers.tenant = 'acme';
      if (call.task === 'urgent') call.set({ priority: 9 });
      if (call.args[0] === 'refused') throw new RangeError('not for acme');
    },
  };

  it('sets headers and options of calls, of many calls, and of the members of a canvas', async () => {
    const app = createApp([tenant]);
    const seen = (name: string) =>
      app.task(name, () => [currentTask().headers.tenant, currentTask().headers.own ?? null, currentTask().priority]);
    const [plain, urgent] = [seen('plain'), seen('urgent')];
    await startWorker(app);
    expect(await plain.call([], { headers: { own: 1 }, timeout })).toEqual(['acme', 1, 0]);
    expect(await urgent.call([], { timeout })).toEqual(['acme', null, 9]);
    const many = await urgent.delayMany([[], []]);
    expect(await Promise.all(many.map((result) => result.get({ timeout })))).toEqual(Array(2).fill(['acme', null, 9]));
    expect(await chain(plain.si(), urgent.si()).call([], { timeout })).toEqual(['acme', null, 9]);
  });

  it('refuses a call with what it throws, and nothing is sent', async () => {
    const app = createApp([tenant]);
    const echo = app.task('echo', (text: string) => text);
    await expect(echo.delay('refused')).rejects.toThrow(new RangeError('not for acme'));
    await expect(echo.delayMany([['fine'], ['refused']])).rejects.toThrow(RangeError);
    await expect(chain(echo.s('refused'), echo.s()).delay()).rejects.toThrow(RangeError);
    expect(await new Inspector(app).queues(['default'])).toMatchObject([{ waiting: 0, delayed: 0 }]);
  });

  it('must be synchronous', async () => {
    const app = createApp([{ name: 'late', publish: (async () => {}) as never }]);
    const echo = app.task('echo', () => 1);
    await expect(echo.delay()).rejects.toThrow('plugin "late": publish returned a promise, and must be synchronous');
  });
});

describe('run', () => {
  it('wraps the handler, the first plugin outermost, and may change its value', async () => {
    const order: string[] = [];
    const wrap = (name: string): Plugin => ({
      name,
      async run(run, next) {
        order.push(`${name} before ${run.task}`);
        const value = await next();
        order.push(`${name} after`);
        return `${name}(${value})`;
      },
    });
    const app = createApp([wrap('outer'), wrap('inner')]);
    const work = app.task('work', (x: number) => {
      order.push('handler');
      return x;
    });
    await startWorker(app);
    expect(await work.call([1], { timeout })).toBe('outer(inner(1))');
    expect(order).toEqual(['outer before work', 'inner before work', 'handler', 'inner after', 'outer after']);
  });

  it('answers in place of the handler, skips, retries and fails', async () => {
    let runs = 0;
    const app = createApp([
      {
        name: 'steering',
        async run(run, next) {
          const [what] = run.args;
          if (what === 'answer') return 'from the plugin';
          if (what === 'skip') run.skip();
          if (what === 'retry' && run.attempt === 1) run.retry({ countdown: 1 });
          if (what === 'fail') run.fail(new RangeError('refused by the plugin'));
          return next();
        },
      },
    ]);
    const work = app.task({ name: 'work', bind: true }, (self, what: string) => {
      runs++;
      return `${what} ${self.attempt}`;
    });
    await startWorker(app);
    expect(await work.call(['answer'], { timeout })).toBe('from the plugin');
    expect(await work.call(['retry'], { timeout })).toBe('retry 2');
    await expect(work.call(['fail'], { timeout })).rejects.toMatchObject({ remoteName: 'RangeError' });
    const skipped = await work.delay('skip');
    await work.call(['answer'], { timeout }); // the one before it is over
    expect([await skipped.ready(), runs]).toEqual([false, 1]);
  });

  it('fails the attempt by name when it throws, and what the handler threw passes untouched', async () => {
    const app = createApp([
      { name: 'outer', run: (_run, next) => next() },
      {
        name: 'broken',
        async run(run, next) {
          if (run.args[0] === 'plugin') throw new TypeError('a mistake');
          return next();
        },
      },
    ]);
    const work = app.task({ name: 'work', autoretryFor: [TypeError], retryBackoff: 1, maxRetries: 1 }, (_: string) => {
      throw new RangeError('from the handler');
    });
    await startWorker(app);
    await expect(work.call(['plugin'], { timeout })).rejects.toMatchObject({
      remoteName: 'PluginError',
      message: 'plugin "broken" failed in task "work": TypeError: a mistake',
      attempts: 1,
    });
    await expect(work.call(['handler'], { timeout })).rejects.toMatchObject({ remoteName: 'RangeError' });
  });
});

describe('hooks', () => {
  it('are called for each thing that happens to a task, with the error itself', async () => {
    const seen: [string, unknown][] = [];
    const note = (name: string) => (event: { task?: string; error?: unknown; value?: unknown }) =>
      void seen.push([name, event.error ?? event.value ?? event.task]);
    const app = createApp([
      {
        name: 'notes',
        on: {
          beforeTaskPublish: note('before'),
          afterTaskPublish: note('after'),
          taskPrerun: note('prerun'),
          taskPostrun: note('postrun'),
          taskSuccess: note('success'),
          taskFailure: note('failure'),
          taskRetry: note('retry'),
          taskRejected: note('rejected'),
          taskRevoked: note('revoked'),
          taskUnknown: note('unknown'),
        },
      },
    ]);
    const failing = new RangeError('no', { cause: new Error('root') });
    const work = app.task({ name: 'work', maxRetries: 1, bind: true }, (self, what: string) => {
      if (what === 'good') return 7;
      if (what === 'reject') throw new Reject('not mine');
      if (what === 'retry' && self.attempt === 1) self.retry({ countdown: 1, exc: failing });
      throw failing;
    });
    await startWorker(app);
    const of = async (call: Promise<unknown>) => {
      seen.length = 0;
      await call.catch(() => undefined);
      return [...seen];
    };
    const good = await of(work.call(['good'], { timeout }));
    expect(good).toContainEqual(['after', 'work']);
    expect(good.filter(([name]) => name !== 'after')).toEqual([
      ['before', 'work'],
      ['prerun', 'work'],
      ['postrun', 7],
      ['success', 7],
    ]);
    expect(
      (await of(work.call(['bad'], { timeout }))).filter(([name]) => ['postrun', 'failure'].includes(name)),
    ).toEqual([
      ['postrun', failing],
      ['failure', failing],
    ]);
    expect(await of(work.call(['retry'], { timeout }))).toContainEqual(['retry', failing]);
    expect((await of(work.call(['reject'], { timeout }))).map(([name]) => name)).toContain('rejected');
    expect(await of(work.call(['good'], { expires: new Date(0), timeout }))).toContainEqual(['revoked', 'work']);
    await app.sendTask('nowhere.defined');
    await until(() => seen.some(([name]) => name === 'unknown'));
  });

  it('that throw change nothing, and are logged', async () => {
    const lines: { message: string; fields: LogFields | undefined }[] = [];
    const line = (message: string, fields?: LogFields) => void lines.push({ message, fields });
    const logger: Logger = { debug: () => {}, info: line, warn: line, error: line, child: () => logger };
    const bad = () => {
      throw new Error('hook');
    };
    const app = createApp(
      [{ name: 'bad', on: { taskPrerun: bad, taskSuccess: async () => bad(), workerInit: bad } }],
      logger,
    );
    const work = app.task({ name: 'work', onSuccess: bad }, () => 1);
    await startWorker(app);
    expect(await work.call([], { timeout })).toBe(1);
    await until(() => lines.filter(({ message }) => message.includes('failed')).length === 4);
    expect(lines.map(({ message }) => message)).toEqual(
      expect.arrayContaining([
        'hook workerInit of plugin "bad" failed',
        'hook taskPrerun of plugin "bad" failed',
        'hook taskSuccess of plugin "bad" failed',
        'onSuccess of task "work" failed',
      ]),
    );
  });

  it('tell of workers and beats', async () => {
    const seen: unknown[] = [];
    const note = (name: string) => (event: object) => void seen.push([name, event]);
    const app = createApp([
      {
        name: 'fleet',
        on: {
          workerInit: note('init'),
          workerReady: note('ready'),
          workerShuttingDown: note('shutting down'),
          workerShutdown: note('shutdown'),
          beatInit: note('beat'),
        },
      },
    ]);
    app.task('work', () => 1);
    const worker = await startWorker(app, { name: 'w1', queues: ['a', 'b'] });
    await worker.close();
    const beat = await startBeat(app);
    await beat.close();
    const info = { app: 'plugged', worker: 'w1', queues: ['a', 'b'] };
    expect(seen).toEqual([
      ['init', info],
      ['ready', info],
      ['shutting down', info],
      ['shutdown', info],
      ['beat', { app: 'plugged' }],
    ]);
  });
});

describe('callbacks of a task', () => {
  it('tell of its success, failure, retry and time limit', async () => {
    const seen: [string, unknown][] = [];
    const ended = deferred();
    const app = createApp([]);
    const failing = new RangeError('no');
    const work = app.task(
      {
        name: 'work',
        bind: true,
        timeLimit: 50,
        onSuccess: ({ value, args }) => seen.push(['success', [value, args]]),
        onFailure: ({ error }) => seen.push(['failure', (error as Error).name]),
        onRetry: ({ error }) => seen.push(['retry', error]),
        onTimeout: ({ error }) => seen.push(['timeout', (error as Error).name]),
      },
      async (self, what: string) => {
        if (what === 'slow') await ended.promise;
        if (what === 'retry' && self.attempt === 1) self.retry({ countdown: 1, exc: failing });
        return what;
      },
    );
    await startWorker(app);
    await work.call(['retry'], { timeout });
    await work.call(['slow'], { timeout }).catch(() => undefined);
    ended.resolve();
    expect(seen).toEqual([
      ['retry', failing],
      ['success', ['retry', ['retry']]],
      ['timeout', 'TaskFailedError'],
      ['failure', 'TaskFailedError'],
    ]);
  });
});

describe('defaults for a group of tasks', () => {
  it('are taken where a task says nothing itself', async () => {
    const app = createApp([]);
    const billing = app.withDefaults({ queue: 'billing', maxRetries: 7 }).withDefaults({ priority: 4 });
    const seen = () => [currentTask().queue, currentTask().maxRetries, currentTask().priority] as const;
    const plain = billing.task('plain', seen);
    const own = billing.task({ name: 'own', maxRetries: 1 }, seen);
    await startWorker(app, { queues: ['billing'] });
    expect(await plain.call([], { timeout })).toEqual(['billing', 7, 4]);
    expect(await own.call([], { timeout })).toEqual(['billing', 1, 4]);
  });
});

describe('task options of a plugin', () => {
  const owner: Plugin = {
    name: 'owner',
    taskOptions: {
      owner(value, where) {
        if (typeof value !== 'string') throw new TypeError(`${where}: expected a team's name`);
        return value.toUpperCase();
      },
    },
    run: async (run, next) => `${(run.options as { owner?: string }).owner}: ${await next()}`,
  };
  const options = (more: object): TaskOptions => ({ name: 'work', ...more }) as TaskOptions;

  it('are checked where the task is defined, and reach the run', async () => {
    const app = createApp([owner]);
    const work = app.task(options({ owner: 'payments' }) as { name: string }, () => 'done');
    await startWorker(app);
    expect(await work.call([], { timeout })).toBe('PAYMENTS: done');
    expect(() => app.task({ ...options({ owner: 3 }), name: 'bad' } as { name: string }, () => 1)).toThrow(
      `task "bad": option owner: expected a team's name`,
    );
  });

  it('are unknown without it', () => {
    const app = createApp([]);
    expect(() => app.task(options({ owner: 'x' }) as { name: string }, () => 1)).toThrow('unknown option "owner"');
  });
});

describe('a plugin that cannot be', () => {
  const refused = (plugins: unknown) => () =>
    new Lovage('plugged', { broker: 'memory://', plugins: plugins as readonly Plugin[] });

  it.each<readonly [string, unknown, string]>([
    ['no list', {}, 'app "plugged": option plugins: expected a list of plugins'],
    ['no object', [1], 'app "plugged": plugins[0]: expected an object'],
    ['no name', [{}], 'app "plugged": plugins[0]: the field name is missing'],
    ['a name twice', [{ name: 'a' }, { name: 'a' }], 'app "plugged": plugins[1]: there are two plugins named "a"'],
    ['an unknown field', [{ name: 'a', runs: () => {} }], 'unknown option "runs": did you mean "run"?'],
    ['an unknown hook', [{ name: 'a', on: { taskSucces: () => {} } }], 'did you mean "taskSuccess"?'],
    ['no function', [{ name: 'a', run: 1 }], 'app "plugged": plugins[0]: option run: expected a function'],
    [
      'a task option that exists',
      [{ name: 'a', taskOptions: { queue: () => 1 } }],
      'app "plugged": plugin "a": there is a task option "queue" already',
    ],
  ])('%s', (_what, plugins, message) => {
    expect(refused(plugins)).toThrow(message);
  });
});
