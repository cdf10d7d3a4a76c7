import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, lovage, noRedis, type RedisServer, type Running, refuses, start, startRedis } from './run-cli.ts';

const shop = ['-A', './shop.js'];
const quick = ['-t', '250ms'];

let redis: RedisServer;
beforeAll(async () => {
  if (!noRedis) redis = await startRedis();
});
afterAll(() => redis?.stop());

/** A namespace of each test's own. */
let names = 0;
function environment(): Readonly<Record<string, string>> {
  names++;
  return { LOVAGE_BROKER_URL: redis.url, LOVAGE_PREFIX: `f${names}` };
}

async function startWorker(
  env: Readonly<Record<string, string>>,
  name: string,
  ...args: readonly string[]
): Promise<Running> {
  const worker = start([...shop, 'worker', '--log-format', 'pretty', '--name', name, ...args], { env });
  await worker.says(/INFO {2}ready/);
  return worker;
}

describe.skipIf(noRedis)('inspect and control', () => {
  it('ask workers by name and glob, in tables and JSON', async () => {
    const env = environment();
    await Promise.all([startWorker(env, 'mail-1'), startWorker(env, 'bill-1', '-Q', 'bills', '-c', '2')]);
    const send = async (...args: string[]) => (await lovage([...shop, 'call', ...args, '--no-wait'], { env })).stdout;
    const run = async (...args: string[]) => (await lovage([...args, ...quick], { env })).stdout;
    const json = async (...args: string[]) => JSON.parse(await run(...args, '--json')) as unknown;
    const id = (await send('nap', '60000', '--queue', 'bills')).trim();
    await Promise.all([send('add', '1', '2', '--countdown', '1h'), send('add', '1', '2', '--queue', 'nobodys')]);
    await untilActive(env, id);
    const answers = await Promise.all([
      run('inspect', 'ping'),
      run('inspect', 'ping', '-d', 'mail-*', '-d', 'nobody'),
      json('inspect', 'active', '-d', 'bill-1'),
      json('inspect', 'query', id, 'x'),
      json('inspect', 'stats', '--destination', 'bill-1'),
      json('inspect', 'registered', '-d', 'mail-1'),
      json('inspect', 'conf', '-d', 'bill-1'),
      run('inspect', 'reserved'),
      json('inspect', 'scheduled', '-d', 'mail-1'),
    ]);
    expect(answers).toEqual([
      'worker  answer\nbill-1  pong\nmail-1  pong\n',
      'worker  answer\nmail-1  pong\n',
      { 'bill-1': [{ id, task: 'nap', queue: 'bills', runningFor: expect.any(Number) }] },
      { 'bill-1': [expect.objectContaining({ id })], 'mail-1': [] },
      { 'bill-1': expect.objectContaining({ slots: 2, queues: ['bills'], running: [expect.anything()] }) },
      { 'mail-1': expect.arrayContaining(['add', 'nap']) },
      { 'bill-1': expect.objectContaining({ broker: redis.url, 'worker.concurrency': 2 }) },
      expect.stringMatching(/^queue +waiting\nbills +0\ndefault +0\nnobodys +1\n$/),
      [{ queue: 'default', delayed: 1 }],
    ]);
  });

  it('change workers, and say who refuses', async () => {
    const env = environment();
    const worker = await startWorker(env, 'w1', '-c', '2');
    const control = (...args: string[]) => lovage(['control', ...args, ...quick], { env });
    const id = (await lovage([...shop, 'call', 'stubborn', '60000', '--no-wait'], { env })).stdout.trim();
    await untilActive(env, id);
    const told = await Promise.all([
      control('pool-grow', '3'),
      control('rate-limit', 'add', '100/m'),
      control('time-limit', 'add', '--soft', '10s', '--hard', '20s'),
      control('add-consumer', 'more'),
      control('terminate', id),
      control('revoke', 'some-id'),
    ]);
    expect(told.map(({ code, stdout }) => [code, stdout.split('\n').at(-2)])).toEqual([
      [0, 'w1      5 slots'],
      [0, 'w1      add is limited to 100/m'],
      [0, 'w1      time limits of add are set'],
      [0, 'w1      consuming more'],
      [0, `w1 broke off ${id}`],
      [0, 'revoked some-id'],
    ]);
    const [refused, tooFew, revoked, stats] = await Promise.all([
      control('rate-limit', 'ad', 'none'),
      control('pool-shrink', '9', '--json'),
      lovage(['inspect', 'revoked', '--json', ...quick], { env }),
      lovage(['inspect', 'stats', '--json', ...quick], { env }),
    ]);
    expect(refused).toEqual({ code: 1, stdout: '', stderr: 'error: w1: this worker has no task "ad"\n' });
    expect(tooFew.code).toBe(1);
    expect(JSON.parse(tooFew.stdout)).toEqual({ w1: { error: 'a worker keeps at least one slot' } });
    expect(JSON.parse(revoked.stdout)).toEqual({ w1: [id] });
    expect(JSON.parse(stats.stdout)).toMatchObject({ w1: { slots: 5, queues: ['default', 'more'] } });
    expect((await lovage(['result', id], { env })).stdout).toMatch(/^REVOKED\n/);
    expect((await control('shutdown')).code).toBe(0);
    const { code, stderr } = await worker.ended;
    expect(stderr).toMatch(/INFO {2}asked to shut down: ending now[\s\S]*INFO {2}stopped/);
    expect(code).toBe(0);
  });

  it('are 1 when no worker answers, or has its remote control switched off; revoking works all the same', async () => {
    const env = environment();
    await startWorker(env, 'deaf', '--no-remote-control');
    const run = (...args: string[]) => lovage([...args, ...quick], { env });
    const silent = 'error: no worker answered within 250ms\n';
    const [ping, active, queues, terminate, revoke] = await Promise.all([
      run('inspect', 'ping'),
      run('inspect', 'active', '-d', 'x', '--json'),
      run('inspect', 'reserved', '-d', 'x*'),
      run('control', 'terminate', 'id-1'),
      run('control', 'revoke', 'id-2'),
    ]);
    expect(ping).toEqual({ code: 1, stdout: '', stderr: silent });
    expect(active).toEqual({ code: 1, stdout: '{}\n', stderr: 'error: no worker named x answered within 250ms\n' });
    expect(queues).toMatchObject({ code: 1, stdout: '' });
    expect(terminate).toMatchObject({ code: 1, stdout: 'revoked id-1\n' });
    expect(terminate.stderr).toMatch(/^no worker answered within 250ms: a task that runs is not broken off/);
    expect(revoke).toEqual({ code: 0, stdout: 'revoked id-2\n', stderr: '' });
  });

  /** The workers are asked until one runs the task. */
  async function untilActive(env: Readonly<Record<string, string>>, id: string): Promise<void> {
    for (;;) {
      const { stdout } = await lovage(['inspect', 'query', id, '--json', '-t', '100ms'], { env });
      if (stdout.includes(id)) return;
    }
  }
});

describe.skipIf(noRedis)('events', () => {
  it('are printed as they happen: from a worker with -E, of one type, as JSON, so many', async () => {
    const env = environment();
    await startWorker(env, 'teller', '-E');
    const failures = start(['events', '--type', 'task.failed', '--json', '--count', '1'], { env });
    const all = start(['events'], { env });
    await Promise.all([failures.says(/listening; workers send events with -E/), all.says(/listening/)]);
    await lovage([...shop, 'call', 'add', '1', '2'], { env });
    await lovage([...shop, 'call', 'fail', 'as asked'], { env });
    const { code, stdout } = await failures.ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      type: 'task.failed',
      worker: 'teller',
      task: 'fail',
      failure: { name: 'RangeError', message: 'as asked' },
    });
    await all.prints(/task\.failed/);
    all.kill('SIGINT');
    const ended = await all.ended;
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/^\d\d:\d\d:\d\d\.\d{3} task\.received {4}add {2}worker=teller {2}id=\S+/m);
    expect(ended.stdout).toMatch(/task\.succeeded {3}add .*runtime=\d+/);
  });

  it('are switched on with --enable', async () => {
    const env = environment();
    await startWorker(env, 'quiet');
    const events = start(['events', '--enable', '--type', 'task.started', '--count', '1'], { env });
    await events.says(/events are on at 1 worker;/);
    await lovage([...shop, 'call', 'add', '1', '2', '--no-wait'], { env });
    expect(await events.ended).toMatchObject({ code: 0, stdout: expect.stringContaining('task.started') });
  });
});

describe.skipIf(noRedis)('pools', () => {
  it.each(['threads', 'processes'])('run TypeScript tasks in %s, which know the flags of the worker', async (pool) => {
    const { LOVAGE_PREFIX: prefix = '' } = environment();
    const flags = ['-A', './pooled.ts', '--broker', redis.url, '--prefix', prefix];
    const settings = ['--pool', pool, '-c', '1', '--max-tasks-per-child', '50', '--max-memory-per-child', '512MiB'];
    const worker = start([...flags, 'worker', '--log-format', 'pretty', ...settings]);
    await worker.says(/ queues +default {2}×1 (?:threads|processes)\n/);
    await worker.says(/INFO {2}ready/);
    const byName = flags.slice(2);
    const [where, typed, relay] = await Promise.all([
      lovage([...byName, 'call', 'where']),
      lovage([...byName, 'call', 'typed', '3']),
      lovage([...byName, 'call', 'relay']),
    ]);
    expect(JSON.parse(where.stdout)).toEqual({ thread: pool === 'threads', process: pool === 'processes' });
    expect(typed).toMatchObject({ code: 0, stdout: 'true\n' }); // in a process of its own, whatever the worker's pool
    expect(await lovage([...byName, 'result', relay.stdout.trim()])).toMatchObject({ code: 0, stdout: 'SENT\n' });
    worker.kill('SIGTERM');
    expect((await worker.ended).code).toBe(0);
  });

  it('refuse what they do not know', async () => {
    await refuses(
      [...shop, 'worker', '--pool', 'fibres'],
      2,
      /^error: --pool: expected "async" or "threads" or "processes"/,
    );
    await refuses([...shop, 'worker', '--max-memory-per-child', 'much'], 2, /^error: --max-memory-per-child: 'much'/);
  });
});

describe.skipIf(noRedis)('health', () => {
  it('is served from before the worker is ready until it ends', async () => {
    const own = await startRedis();
    try {
      const worker = start([...shop, 'worker', '--log-format', 'pretty', '--health-port', '0'], {
        env: { LOVAGE_BROKER_URL: own.url },
      });
      const [, port = ''] = await worker.says(/INFO {2}serving health {2}host=127\.0\.0\.1 {2}port=(\d+)/);
      const get = async (path: string): Promise<[number, unknown]> => {
        const response = await fetch(`http://127.0.0.1:${port}${path}`);
        return [response.status, await response.json()];
      };
      await worker.says(/INFO {2}ready/);
      expect(await get('/livez')).toEqual([200, { ok: true }]);
      expect(await get('/readyz?verbose')).toEqual([200, { ok: true }]);
      expect(await get('/startupz')).toEqual([200, { ok: true }]);
      expect((await get('/other'))[0]).toBe(404);
      expect((await fetch(`http://127.0.0.1:${port}/livez`, { method: 'POST' })).status).toBe(405);
      expect(await lovage(['health', '--port', port])).toEqual({ code: 0, stdout: 'ok\n', stderr: '' });
      const taken = ['worker', ...shop, '--health-port', port];
      await refuses(taken, 1, new RegExp(`error: cannot serve health on 127.0.0.1 port ${port}: listen EADDRINUSE`));
      const call = start([...shop, 'call', 'nap', '60000'], { env: { LOVAGE_BROKER_URL: own.url } });
      while (!(await lovage(['queues', '--json', '--broker', own.url])).stdout.includes('"running":1'));
      worker.kill('SIGTERM');
      await worker.says(/finishing the running tasks/);
      expect(await get('/readyz')).toEqual([503, { ok: false, reason: 'the worker is ending' }]);
      const probe = await lovage(['health', '--port', port, '--json']);
      expect(probe).toMatchObject({ code: 1, stdout: '{"ok":false,"reason":"the worker is ending"}\n' });
      expect(probe.stderr).toBe('error: ready: the worker is ending\n');
      call.kill('SIGKILL');
      worker.kill('SIGTERM');
      await worker.ended;
    } finally {
      await own.stop();
    }
  });
});

describe('health', () => {
  it('is 1 where nobody answers', async () => {
    const port = String(await freePort());
    await refuses(['health', '--port', port], 1, /^error: nobody answers on 127\.0\.0\.1 port \d+: .*ECONNREFUSED/);
  });
});
