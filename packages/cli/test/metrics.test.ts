import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, lovage, noRedis, type RedisServer, start, startRedis } from './run-cli.ts';

type Samples = ReadonlyMap<string, number>;

/** Reads the text format strictly: every sample has a family with help and type before it, and no series comes twice. */
function parse(text: string): Samples {
  const samples = new Map<string, number>();
  let family = '';
  for (const line of text.trimEnd().split('\n')) {
    const [, type] = /^# TYPE (\S+) (?:gauge|counter|histogram)$/.exec(line) ?? [];
    if (type) family = type;
    if (line.startsWith('#')) {
      expect(line).toMatch(/^# (?:HELP \S+ .+|TYPE \S+ \S+)$/);
      continue;
    }
    const [, name = '', value] = /^([a-z_]+(?:\{(?:[a-z]+="(?:[^"\\\n]|\\[\\n"])*",?)*\})?) (\S+)$/.exec(line) ?? [];
    expect(name, line).not.toBe('');
    expect(name.startsWith(family), line).toBe(true);
    expect(samples.has(name), line).toBe(false);
    expect(Number.isFinite(Number(value)), line).toBe(true);
    samples.set(name, Number(value));
  }
  return samples;
}

describe.skipIf(noRedis)('metrics on a real Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  it('counts by task, exports queues from one worker alone, and scales by name', { timeout: 40_000 }, async () => {
    const env = { LOVAGE_BROKER_URL: redis.url };
    const shop = ['-A', './shop.js'];
    const ports = [await freePort(), await freePort()];
    const workers = ports.map((port) =>
      start([...shop, 'worker', '-Q', 'default', '--health-port', String(port)], { env }),
    );
    for (const worker of workers) await worker.says(/"msg":"ready"/);
    const call = (...args: string[]) => lovage([...shop, 'call', ...args], { env });
    await Promise.all([
      call('add', '1', '2'),
      call('add', '3', '4'),
      call('fail', 'a "quoted"\nline'),
      call('add', '1', '1', '--no-wait', '--queue', 'idle'),
    ]);
    const read = async (port: number, path = '/metrics') => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
    const pages = (await Promise.all(ports.map((port) => read(port)))).map(parse);
    const sum = (name: string): number => pages.reduce((total, page) => total + (page.get(name) ?? 0), 0);
    expect(sum('lovage_tasks_total{task="add",queue="default",outcome="succeeded"}')).toBe(2);
    expect(sum('lovage_tasks_total{task="fail",queue="default",outcome="failed"}')).toBe(1);
    expect(sum('lovage_task_duration_seconds_count{task="add",queue="default"}')).toBe(2);
    expect(sum('lovage_task_queue_seconds_bucket{task="add",queue="default",le="+Inf"}')).toBe(2);
    expect(sum('bullmq_job_failed_total{queue="default"}')).toBe(1);
    expect(sum('lovage_queue_depth{queue="idle",state="waiting"}')).toBe(1);
    expect(pages.filter((page) => [...page.keys()].some((name) => name.startsWith('lovage_queue_')))).toHaveLength(1);
    const scale = JSON.parse(await read(ports[0] as number, '/scale?queue=idle&queue=default')) as { value: number };
    expect(scale.value).toBe(1);
    expect(await read(ports[0] as number, '/scale?queue=idel')).toContain('no queue \\"idel\\"');
    expect(await read(ports[0] as number, '/scale')).toContain('name a queue');
    for (const worker of workers) worker.kill('SIGTERM');
    for (const worker of workers) expect((await worker.ended).code).toBe(0);
  });
});
