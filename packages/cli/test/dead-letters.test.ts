import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, lovage, noRedis, type RedisServer, start, startRedis } from './run-cli.ts';

const shop = ['-A', './shop.js'];

describe.skipIf(noRedis)('dlq on a real Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  // a dozen processes, one after the other
  it('lists, shows, replays and purges what was parked', { timeout: 60_000 }, async () => {
    const env = { LOVAGE_BROKER_URL: redis.url };
    const dlq = (...args: string[]): Promise<Ended> => lovage(['dlq', ...args], { env });
    const wait = (id: string): Promise<Ended> => lovage(['result', id, '--wait'], { env });
    const worker = start([...shop, 'worker', '--log-format', 'pretty', '-Q', 'default,other'], { env });
    await worker.says(/INFO {2}ready/);
    const parked = (...args: string[]) => lovage(['call', 'picky', 'bad', ...args, '--json'], { env });
    const ids = (await Promise.all([parked('1'), parked('2', '--queue', 'other')])).map(
      ({ stdout }) => (JSON.parse(stdout) as { id: string }).id,
    );
    const [first = '', second = ''] = ids;

    const [table, json, shown] = await Promise.all([
      dlq('list'),
      dlq('list', '-Q', 'other', '--task', 'pick*', '--reason', 'Reject', '--newer-than', '1h', '--json'),
      dlq('show', first),
    ]);
    expect(table.stdout).toMatch(/^parked +queue +task +id +reason\n/);
    for (const id of ids) expect(table.stdout).toMatch(new RegExp(`picky +${id} +Reject: not this one\n`));
    const letter = { key: expect.any(String), id: second, queue: 'other', task: 'picky', at: expect.any(Number) };
    expect(JSON.parse(json.stdout)).toEqual([{ ...letter, reason: { name: 'Reject', message: 'not this one' } }]);
    expect(shown.stdout).toMatch(/^id +\S+\ntask +picky\nqueue +default\nparked +\S+Z\nreason +Reject: not this one\n/);
    expect(shown.stdout).toMatch(/\nmessage +\{.*"args":\["bad",1\].*\}\n$/);

    const sent = JSON.parse(
      (await dlq('replay', first, '--args', '["good",{"a":1}]', '--to', 'other', '--json')).stdout,
    ) as { readonly id: string };
    expect(sent).toEqual({ id: expect.any(String), replayOf: first, task: 'picky', queue: 'other' });
    expect(await wait(sent.id)).toMatchObject({ stdout: 'SUCCESS\n["good",{"a":1}]\n' });

    const again = await dlq('replay', '--rate', '100/s', '--force'); // it is rejected once more, under its new id
    expect(again).toMatchObject({ code: 0, stderr: 'sent: 1\n' });
    const [, replayed = ''] = new RegExp(`^${second} → (\\S+) {2}picky {2}other\n$`).exec(again.stdout) ?? [];
    expect((await wait(replayed)).stdout).toMatch(/^FAILURE\n/);
    expect((await dlq('show', replayed)).stdout).toContain(`"replayOf":"${second}"`);
    expect((await dlq('purge', '--task', 'picky', '--force')).stdout).toBe('deleted 1 dead letter\n');
    expect((await dlq('list', '--json')).stdout).toBe('[]\n');
  });
});
