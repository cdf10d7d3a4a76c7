import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, freePort, lovage, noRedis, type RedisServer, type Running, start, startRedis } from './run-cli.ts';

const shop = ['-A', './shop.js'];

describe.skipIf(noRedis)('on a real Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  /** A namespace of each test's own. */
  let names = 0;
  function environment(): Readonly<Record<string, string>> {
    names++;
    return { LOVAGE_BROKER_URL: redis.url, LOVAGE_PREFIX: `t${names}` };
  }

  async function startWorker(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Running> {
    const worker = start([...shop, 'worker', '--log-format', 'pretty', '--name', 'w1', ...args], { env });
    await worker.says(/INFO {2}ready/);
    return worker;
  }

  it('a worker in one process serves calls from others', async () => {
    const env = environment();
    const worker = await startWorker(env, '-c', '2');
    const run = (...args: string[]): Promise<Ended> => lovage(args, { env });
    const [sum, failed, byName, sent] = await Promise.all([
      run(...shop, 'call', 'add', '2', '3'),
      run(...shop, 'call', 'fail', 'no such order', '--json'),
      run('-A', './two-apps.ts:shop', 'call', 'add', '1', '1'),
      run(...shop, 'call', 'text', 'later', '--no-wait', '--task-id', 'my-own-id'),
    ]);
    expect(sum).toMatchObject({ code: 0, stdout: '5\n', stderr: '' });
    expect(failed.code).toBe(1);
    expect(JSON.parse(failed.stdout)).toMatchObject({
      state: 'FAILURE',
      error: { name: 'RangeError', message: 'no such order', cause: { message: 'the deeper reason' } },
      attempts: 1,
    });
    expect(byName).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /^error: unknown task "add": the app has none: if they are in other modules, .*include\n$/,
      ),
    });
    expect(sent).toMatchObject({ code: 0, stdout: 'my-own-id\n' });

    const failedId = (JSON.parse(failed.stdout) as { id: string }).id;
    const [waited, read, failure, waitedFailure, status, table] = await Promise.all([
      run('result', 'my-own-id', '--timeout', '10s'),
      run('result', 'my-own-id', '--wait', '--json'),
      run('result', failedId),
      run('result', failedId, '--wait', '--json'),
      run('status', '--json'),
      run('status'),
    ]);
    expect(waited).toMatchObject({ code: 0, stdout: 'SUCCESS\n<later>\n' });
    expect(JSON.parse(read.stdout)).toEqual({ id: 'my-own-id', state: 'SUCCESS', value: '<later>' });
    expect(failure).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^FAILURE\nRangeError: no such order: caused by Error: the deeper reason\n {4}at /),
    });
    expect(waitedFailure.code).toBe(1);
    const { workers, queues } = JSON.parse(status.stdout) as { workers: unknown[]; queues: unknown[] };
    expect(workers).toEqual([
      expect.objectContaining({ name: 'w1', app: 'shop', slots: 2, queues: ['default', 'elsewhere'], running: [] }),
    ]);
    expect(queues).toEqual([
      { queue: 'default', waiting: 0, delayed: 0, blocked: 0, running: 0, dead: 0, paused: false },
    ]);
    expect(table.stdout).toMatch(
      /^worker +slots +running +done +failed +queues +up\nw1 +2 +0 +2 +1 +default,elsewhere +\d+s\n\nqueue +waiting /,
    );

    worker.kill('SIGTERM');
    expect((await worker.ended).code).toBe(0);
  });

  it('pauses a queue, says so, shows what comes next, and lets it go on', async () => {
    const env = environment();
    const run = (...args: string[]): Promise<Ended> => lovage(args, { env, cwd: '/' });
    await run('call', 'any.name', '1', '--no-wait', '--queue', 'bills');
    const paused = await run('queues', 'pause', 'bills');
    expect(paused).toMatchObject({ code: 0, stdout: 'paused queue bills\n' });
    const [shown, info, peeked, some, nothing] = await Promise.all([
      run('queues'),
      run('queues', 'bills', '--json'),
      run('queues', 'peek', 'bills', '--json'),
      run('queues', 'peek', 'default'),
      run('queues', 'pause'),
    ]);
    expect(shown.stdout).toMatch(/dead *\nbills .* paused\n/);
    expect(JSON.parse(info.stdout)).toMatchObject([{ queue: 'bills', paused: true }]);
    expect(JSON.parse(peeked.stdout)).toMatchObject([{ task: 'any.name', args: [1], queue: 'bills', priority: 0 }]);
    expect(some).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('no task waits') });
    expect(nothing).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('missing argument: lovage queues pause'),
    });
    const resumed = await run('queues', 'resume', 'bills', '--json');
    expect(JSON.parse(resumed.stdout)).toEqual({ queue: 'bills', paused: false });
  }, 40_000);

  it('sends by name without an app, keeps tasks, and purges them', async () => {
    const env = environment();
    const cwd = '/';
    const run = (...args: string[]): Promise<Ended> => lovage(args, { env, cwd });
    const late = await run('call', 'any.name', '1', '--timeout', '300ms', '--queue', 'bills');
    expect(late).toMatchObject({
      code: 124,
      stderr: expect.stringMatching(
        /did not end within 300 ms \(after its deadline it is not started, or it is aborted\): no worker that answers consumes queue "bills": .*\n$/,
      ),
    });
    const [, sent] = await Promise.all([
      run('call', 'any.name', '2', '--no-wait', '--queue', 'bills', '--countdown', '1h'),
      run('call', 'any.name', '3', '--no-wait', '--json'),
    ]);
    const { id } = JSON.parse(sent.stdout) as { id: string };
    const [queues, one, pending] = await Promise.all([
      run('queues'),
      run('queues', 'bills', '--json'),
      run('result', id),
    ]);
    expect(queues.stdout).toBe(
      'queue    waiting  delayed  blocked  running  dead\nbills          1        1        0        0     0\ndefault        1        0        0        0     0\n',
    );
    expect(JSON.parse(one.stdout)).toEqual([
      {
        queue: 'bills',
        waiting: 1,
        delayed: 1,
        blocked: 0,
        held: 0,
        running: 0,
        dead: 0,
        paused: false,
        oldest: expect.any(Number),
      },
    ]);
    expect(pending).toMatchObject({ code: 0, stdout: 'SENT\n' });

    expect(await run('purge', 'default')).toMatchObject({ code: 2 });
    const [purged, rest] = [await run('purge', 'default', '-f'), await run('purge', 'bills', '--force', '--json')];
    expect(purged.stdout).toBe('deleted 1 task from queue default\n');
    expect(JSON.parse(rest.stdout)).toEqual({ queue: 'bills', deleted: 2 });
    const revoked = await run('result', id, '--wait');
    expect(revoked).toMatchObject({ code: 1, stdout: `REVOKED\ntask ${id} was revoked (purged)\n` });
  });

  it('SIGTERM lets running tasks finish within the drain', async () => {
    const env = environment();
    const worker = await startWorker(env, '--drain', '20s', '-l', 'debug');
    const call = start([...shop, 'call', 'nap', '1500'], { env });
    await untilRunning(env, 1);
    worker.kill('SIGTERM');
    const { code, stderr } = await worker.ended;
    expect(stderr).toContain('SIGTERM: finishing the running tasks, a second signal aborts them  running=1');
    expect(stderr).toContain('stopped: no task handed back');
    expect(code).toBe(0);
    expect(await call.ended).toMatchObject({ code: 0, stdout: 'rested\n' });
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('a second %s aborts, hands back and exits %i', async (signal, exitCode) => {
    const env = environment();
    const worker = await startWorker(env, '--drain', '60s');
    const id = (await lovage([...shop, 'call', 'stubborn', '60000', '--no-wait'], { env })).stdout.trim();
    await untilRunning(env, 1);
    worker.kill(signal);
    await worker.says(/finishing the running tasks/);
    const since = performance.now();
    worker.kill(signal);
    const { code, stderr } = await worker.ended;
    expect(code).toBe(exitCode);
    expect(performance.now() - since).toBeLessThan(6_000);
    expect(stderr).toContain(`${signal}: aborting the running tasks`);
    expect(stderr).toMatch(/stopped: 1 task handed back/);
    expect(await lovage(['result', id], { env })).toMatchObject({ stdout: 'SENT\n' });
  });

  it('SIGQUIT hands everything back at once', async () => {
    const env = environment();
    const worker = await startWorker(env);
    const id = (await lovage([...shop, 'call', 'nap', '60000', '--no-wait'], { env })).stdout.trim();
    await untilRunning(env, 1);
    worker.kill('SIGQUIT');
    expect((await worker.ended).code).toBe(0);
    expect(await lovage(['result', id], { env })).toMatchObject({ stdout: 'SENT\n' });
  });

  it('a rejection that nobody caught does not end the worker', async () => {
    const env = environment();
    const worker = await startWorker(env);
    expect(await lovage([...shop, 'call', 'stray'], { env })).toMatchObject({ code: 0, stdout: 'ok\n' });
    await worker.says(/ERROR unhandled promise rejection; the worker continues/);
    expect(await lovage([...shop, 'call', 'add', '1', '1'], { env })).toMatchObject({ code: 0, stdout: '2\n' });
  });

  it('warns of an unsafe Redis once, and refuses it under --strict-broker', async () => {
    const env = environment();
    const worker = await startWorker(env);
    worker.kill('SIGTERM');
    expect((await worker.ended).stderr.match(/WARN/g)).toHaveLength(1);
    const { code, stderr } = await lovage([...shop, 'worker', '--strict-broker'], { env });
    expect(stderr).toMatch(/error: redis:\/\/127\.0\.0\.1:\d+\/0: Redis keeps nothing on disk/);
    expect(code).toBe(69);
  });

  /** The queues are asked until so many tasks are running. */
  async function untilRunning(env: Readonly<Record<string, string>>, tasks: number): Promise<void> {
    for (;;) {
      const { stdout } = await lovage(['queues', '--json'], { env });
      const queues = JSON.parse(stdout) as { running: number }[];
      if (queues.reduce((sum, queue) => sum + queue.running, 0) >= tasks) return;
    }
  }
});

describe.skipIf(noRedis)('a Redis in trouble', () => {
  it('that refuses the password is 69 at once', async () => {
    const redis = await startRedis('--requirepass', 'right');
    try {
      const url = `redis://:wr0ng@127.0.0.1:${redis.port}/0`;
      const commands = [['queues'], [...shop, 'call', 'add', '1', '2'], [...shop, 'worker']];
      const ended = await Promise.all(commands.map((args) => lovage([...args, '--broker', url])));
      for (const { code, stderr } of ended) {
        expect(stderr).toMatch(/error: .*redis:\/\/:\*\*\*@127\.0\.0\.1:\d+.*WRONGPASS/);
        expect(stderr).not.toContain('wr0ng');
        expect(code).toBe(69);
      }
    } finally {
      await redis.stop();
    }
  });

  it('that answers while the worker polls no more makes it unready, and end with 75', async () => {
    const redis = await startRedis();
    try {
      const env = { LOVAGE_BROKER_URL: redis.url };
      const flags = ['--log-format', 'pretty', '--poll-timeout', '1500ms', '--health-port', '0'];
      const worker = start(['-A', './wedging.js', 'worker', ...flags], { env });
      const [, port = ''] = await worker.says(/serving health.*port=(\d+)/);
      await worker.says(/INFO {2}ready/);
      expect((await lovage(['health', '--port', port])).code).toBe(0);
      await lovage(['-A', './wedging.js', 'call', 'wedge'], { env });
      await worker.says(/a queue is no longer polled: rebuilding the connections of the consumer/);
      let ready = '';
      while (!ready) {
        const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
        if (answer.status === 503) ready = await answer.text();
      }
      expect(ready).toMatch(/queue \\?"default\\?" has not been polled for \d+ s/);
      const { code, stderr } = await worker.ended;
      expect(stderr).toMatch(/the worker is wedged.*ConsumerWedgedError: queue .*default.* was not polled for \d+ ms/);
      expect(code).toBe(75);
    } finally {
      await redis.stop();
    }
  });

  it('that dies does not keep the worker from ending within the drain and 5 s', async () => {
    const redis = await startRedis();
    try {
      const env = { LOVAGE_BROKER_URL: redis.url };
      const worker = start([...shop, 'worker', '--log-format', 'pretty', '--drain', '1s'], { env });
      await worker.says(/INFO {2}ready/);
      const call = start([...shop, 'call', 'stubborn', '60000'], { env });
      for (let running = false; !running; )
        running = /"running":1/.test((await lovage(['queues', '--json'], { env })).stdout);
      call.kill('SIGKILL');
      redis.freeze();
      const since = performance.now();
      worker.kill('SIGTERM');
      expect((await worker.ended).code).toBe(0);
      expect(performance.now() - since).toBeLessThan(7_000);
    } finally {
      await redis.stop();
    }
  });
});

describe('no Redis at all', () => {
  it('is 69 within seconds, and the message names the broker and the cause', async () => {
    const url = `redis://me:secret@127.0.0.1:${await freePort()}/0`;
    const since = performance.now();
    const commands = [
      ['result', 'x'],
      [...shop, 'call', 'add', '1', '2'],
      [...shop, 'worker', '--exit-on-broker-loss'],
      ['inspect', 'ping'],
      ['dlq', 'list'],
    ];
    const ended = await Promise.all(commands.map((args) => lovage([...args, '--broker', url])));
    for (const { code, stderr } of ended) {
      expect(stderr).toMatch(/error: .*redis:\/\/me:\*\*\*@127\.0\.0\.1:\d+.*ECONNREFUSED/);
      expect(stderr).not.toContain('secret');
      expect(code).toBe(69);
    }
    expect(performance.now() - since).toBeLessThan(10_000);
  });

  it('a worker waits for it, and ends by a signal meanwhile', async () => {
    const url = `redis://127.0.0.1:${await freePort()}/0`;
    const worker = start([...shop, 'worker', '--broker', url, '--log-format', 'pretty', '--health-port', '0']);
    const [, port = ''] = await worker.says(/serving health .*port=(\d+)/);
    const [live, startup] = await Promise.all(
      ['live', 'startup'].map((probe) => lovage(['health', '--port', port, '--probe', probe])),
    );
    expect(live).toMatchObject({ code: 0, stdout: 'ok\n' });
    expect(startup).toMatchObject({ code: 1, stderr: 'error: startup: the worker is starting\n' });
    await worker.says(/WARN {2}broker redis:\S+ cannot be reached, trying again/);
    worker.kill('SIGTERM');
    expect((await worker.ended).code).toBe(0);
  });
});
