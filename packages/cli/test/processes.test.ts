import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, lovage, noRedis, type RedisServer, refuses, start, startRedis } from './run-cli.ts';

/** Commands take seconds on a busy machine. */
const maxWait = 120_000;
const worker = ['-A', './shop.js', 'worker', '--log-format', 'json'];

it('refuses a number, a name and a broker that several processes cannot have', { timeout: maxWait }, async () => {
  await Promise.all([
    refuses([...worker, '--processes', '0'], 2, /--processes: expected a whole number from 1, received "0"/),
    refuses([...worker, '--processes', '1000'], 2, /--processes: expected a whole number from 1 to 256/),
    refuses([...worker, '--processes', '2', '-n', 'w'], 2, /--name: with --processes .* as in w-%i/),
    refuses([...worker, '--processes', '2'], 2, /--processes: memory:\/\/ holds the tasks of one process only/),
  ]);
});

describe.skipIf(noRedis)('worker processes on a real Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  /** What is on stderr, one object a line. */
  const linesOf = (stderr: string): readonly Record<string, unknown>[] =>
    stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it('introduces them once, serves probes of all, starts a lost one again, and ends them as one', {
    timeout: maxWait,
  }, async () => {
    const env = { LOVAGE_BROKER_URL: redis.url, LOVAGE_PREFIX: 'processes' };
    const port = await freePort();
    const fleet = start([...worker, '--processes', '2', '-n', 'w%i', '--health-port', String(port)], { env });
    await fleet.says(/"worker":"w1".*"msg":"ready"/);
    await fleet.says(/"worker":"w2".*"msg":"ready"/);
    const answer = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`);
    await expect.poll(async () => (await answer('/readyz')).status, { timeout: maxWait }).toBe(200);
    const metrics = await (await answer('/metrics')).text();
    expect(metrics.match(/^lovage_worker_up\{.*worker="w[12]"\} 1$/gm)).toHaveLength(2);
    expect(metrics.match(/^# TYPE lovage_worker_up gauge$/gm)).toHaveLength(1);

    const stats = await lovage(['inspect', 'stats', '--json'], { env });
    const pids = [...stats.stdout.matchAll(/"pid":\s*(\d+)/g)].map(([, pid]) => Number(pid));
    expect(new Set(pids).size).toBe(2);
    process.kill(pids[0] as number, 'SIGKILL');
    await fleet.says(/"how":"SIGKILL","inMs":500,"msg":"a worker process ended, and is started again"/);
    await fleet.says(/(?:"msg":"ready"[\s\S]*){3}/);
    expect(await lovage(['-A', './shop.js', 'call', 'add', '2', '3'], { env })).toMatchObject({
      code: 0,
      stdout: '5\n',
    });

    fleet.kill('SIGTERM');
    const { code, stderr } = await fleet.ended;
    expect(code).toBe(0);
    const lines = linesOf(stderr);
    expect(lines.filter(({ msg }) => msg === 'starting')).toMatchObject([{ processes: 2, slots: 8 }]);
    expect(lines.filter(({ msg }) => msg === 'stopped: no task handed back')).toHaveLength(2);
  });

  it('ends with the workers that were asked from afar to shut down, and with its supervisor', {
    timeout: maxWait,
  }, async () => {
    const env = { LOVAGE_BROKER_URL: redis.url, LOVAGE_PREFIX: 'asked' };
    const fleet = start([...worker, '--processes', '2'], { env });
    await fleet.says(/(?:"msg":"ready"[\s\S]*){2}/);
    await lovage(['control', 'shutdown'], { env });
    expect(await fleet.ended).toMatchObject({ code: 0 });

    const left = start([...worker, '--processes', '2'], { env: { ...env, LOVAGE_PREFIX: 'left' } });
    await left.says(/(?:"msg":"ready"[\s\S]*){2}/);
    left.kill('SIGKILL');
    await left.says(/(?:"msg":"stopped: no task handed back"[\s\S]*){2}/); // by the processes, whose supervisor is gone
  });
});
