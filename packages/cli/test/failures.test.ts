import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, lovage, noRedis, type RedisServer, start, startRedis } from './run-cli.ts';

describe.skipIf(noRedis).each(['redis', 'redis+streams'])('failures on a real Redis, %s', (scheme) => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  it('lists, groups, shows, retries and discards what failed', { timeout: 180_000 }, async () => {
    const env = { LOVAGE_BROKER_URL: redis.url.replace('redis:', `${scheme}:`) };
    const failures = (...args: string[]): Promise<Ended> => lovage(['failures', ...args], { env });
    const worker = start(['-A', './shop.js', 'worker', '--log-format', 'pretty'], { env });
    await worker.says(/INFO {2}ready/);
    const send = (value: string) => lovage(['call', 'fragile', value, '--json'], { env });
    const sent = await Promise.all([send('one'), send('\u001b[31mtwo')]);
    const [first = '', second = ''] = sent.map(({ stdout }) => (JSON.parse(stdout) as { id: string }).id);
    await Promise.all([first, second].map((id) => lovage(['result', id, '--wait'], { env })));

    const [table, json, groups, shown] = await Promise.all([
      failures('list'),
      failures('list', '--task', 'frag*', '--error', 'TypeError', '--newer-than', '1h', '--json'),
      failures('group', '--json'),
      failures('show', second),
    ]);
    expect(table.stdout).toMatch(/^failed +queue +task +id +group +error\n/);
    expect(table.stdout).toContain(first);
    expect((JSON.parse(json.stdout) as { id: string }[]).map(({ id }) => id).sort()).toEqual([first, second].sort());
    expect(JSON.parse(groups.stdout)).toMatchObject([{ task: 'fragile', name: 'TypeError' }, { task: 'fragile' }]);
    expect(shown.stdout).toContain('\\u001b[31mtwo');
    expect(shown.stdout).not.toContain('\u001b');

    expect(await failures('retry', first, '--args', '["fine"]')).toMatchObject({ code: 0, stderr: 'sent: 1\n' });
    expect(await lovage(['result', first, '--wait'], { env })).toMatchObject({ stdout: 'SUCCESS\nfine\n' });
    expect(await failures('retry', first)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no failure of task'),
    });
    expect(await failures('retry')).toMatchObject({ code: 2 });
    expect((await failures('retry', '--dry-run')).stderr).toBe('would be sent: 1\n');
    expect((await failures('discard', '--force')).stdout).toBe('discarded 1 failure\n');
    expect((await failures('list', '--json')).stdout).toBe('[]\n');
  });
});
