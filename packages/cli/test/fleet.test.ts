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

describe.skipIf(noRedis)('inspect, control and events', () => {
  it('reach the workers of other processes; a shutdown from afar drains and is 0', async () => {
    const env = environment();
    const worker = await startWorker(env, 'w1', '-E');
    const events = start(['events', '--type', 'task.failed', '--json', '--count', '1'], { env });
    await events.says(/listening; workers send events with -E/);
    await lovage([...shop, 'call', 'fail', 'as asked'], { env });
    const { code, stdout } = await events.ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ type: 'task.failed', worker: 'w1', task: 'fail' });
    const [ping, missing] = await Promise.all([
      lovage(['inspect', 'ping', '-d', 'w*', ...quick], { env }),
      lovage(['inspect', 'active', '-d', 'x', ...quick, '--json'], { env }),
    ]);
    expect(ping).toEqual({ code: 0, stdout: 'worker  answer\nw1      pong\n', stderr: '' });
    expect(missing).toEqual({ code: 1, stdout: '{}\n', stderr: 'error: no worker named x answered within 250ms\n' });
    expect((await lovage(['control', 'shutdown', ...quick], { env })).code).toBe(0);
    const ended = await worker.ended;
    expect(ended.stderr).toMatch(/INFO {2}asked to shut down: ending now[\s\S]*INFO {2}stopped/);
    expect(ended.code).toBe(0);
  });

  it('leave a worker with --no-remote-control alone; events end by Ctrl-C with 0', async () => {
    const env = environment();
    await startWorker(env, 'deaf', '--no-remote-control');
    const events = start(['events'], { env });
    const [ping] = await Promise.all([lovage(['inspect', 'ping', ...quick], { env }), events.says(/listening/)]);
    expect(ping).toEqual({ code: 1, stdout: '', stderr: 'error: no worker answered within 250ms\n' });
    events.kill('SIGINT');
    expect(await events.ended).toMatchObject({ code: 0, stdout: '' });
  });
});

describe.skipIf(noRedis)('pools', () => {
  // each process compiles TypeScript
  it.each(['threads', 'processes'])(
    'run TypeScript tasks in %s, with the flags of the worker',
    { timeout: 60_000 },
    async (pool) => {
      const { LOVAGE_PREFIX: prefix = '' } = environment();
      const flags = ['-A', './pooled.ts', '--broker', redis.url, '--prefix', prefix];
      const settings = [
        '--pool',
        pool,
        '--autoscale',
        '2,1',
        '--max-tasks-per-child',
        '50',
        '--max-memory-per-child',
        '512MiB',
      ];
      const worker = start([...flags, 'worker', '--log-format', 'pretty', ...settings]);
      await worker.says(/ queues +default {2}×1–2 (?:threads|processes)\n/);
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
    },
  );

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
    await refuses(
      ['health', '--port', port],
      1,
      /^error: no health server answers on 127\.0\.0\.1 port \d+: .*ECONNREFUSED/,
    );
  });
});
