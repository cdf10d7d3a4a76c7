import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lovage, noRedis, type RedisServer, start, startRedis } from './run-cli.ts';

it('shows the progress of a call as a bar, and its value alone on stdout', async () => {
  const { code, stdout, stderr } = await lovage(['-A', './shop.js', 'call', 'climb', '4', '--progress']);
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'up\n' });
  expect(stderr).toMatch(/█+░+ {2}25 %/);
  expect(stderr).toMatch(/█{30} 100 %/);
});

describe.skipIf(noRedis)('on a real Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  it('follows a result, filtered events and queues', { timeout: 40_000 }, async () => {
    const env = { LOVAGE_BROKER_URL: redis.url };
    const shop = ['-A', './shop.js'];
    const queues = start(['queues', '--watch', '200ms'], { env });
    await queues.says(/no queues yet/);
    const sent = await lovage([...shop, 'call', 'climb', '3', '--no-wait'], { env });
    await queues.prints(/default +1 /);
    queues.kill('SIGINT');
    expect((await queues.ended).code).toBe(0);
    const follow = start(['result', sent.stdout.trim(), '--follow'], { env });
    await follow.says(/PENDING|SENT/);
    const events = start(['events', '--follow', '--task', 'cl*', '--type', 'task.succeeded', '--count', '1'], { env });
    await events.says(/listening/);
    const worker = start([...shop, 'worker', '-E'], { env });
    expect(await follow.ended).toMatchObject({
      code: 0,
      stdout: 'SUCCESS\nup\n',
      stderr: expect.stringMatching(/100 %/),
    });
    await lovage([...shop, 'call', 'add', '1', '2'], { env });
    const { stdout } = await events.ended;
    expect(stdout).toMatch(/^\S+ task\.succeeded +climb {2}/);
    worker.kill('SIGTERM');
    await worker.ended;
  });
});
