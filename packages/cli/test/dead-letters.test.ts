import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, lovage, noRedis, type RedisServer, start, startRedis } from './run-cli.ts';

const shop = ['-A', './shop.js'];

describe.skipIf(noRedis)('dlq', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  it('lists, shows, replays and purges what was parked', async () => {
    const env = { LOVAGE_BROKER_URL: redis.url };
    const dlq = (...args: string[]): Promise<Ended> => lovage(['dlq', ...args], { env });
    const json = async (...args: string[]) =>
      (await dlq(...args, '--json')).stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as never);
    const worker = start([...shop, 'worker', '--log-format', 'pretty', '-Q', 'default,other'], { env });
    await worker.says(/INFO {2}ready/);
    const parked = (...args: string[]) => lovage([...shop, 'call', 'picky', 'bad', ...args, '--json'], { env });
    const ids = (await Promise.all([parked('1'), parked('2', '--queue', 'other')])).map(
      ({ stdout }) => (JSON.parse(stdout) as { id: string }).id,
    );
    const [first = '', second = ''] = ids;

    const [table, filtered, none, shown, missing, dry] = await Promise.all([
      dlq('list'),
      json('list', '-Q', 'other', '--task', 'pick*', '--reason', 'Reject', '--newer-than', '1h'),
      dlq('list', '--older-than', '1h'),
      dlq('show', first),
      dlq('show', 'nobody'),
      dlq('replay', '--dry-run'),
    ]);
    expect(table.stdout).toMatch(/^parked +queue +task +id +reason\n/);
    for (const id of ids) expect(table.stdout).toMatch(new RegExp(`picky +${id} +Reject: not this one\n`));
    const letter = { key: expect.any(String), id: second, queue: 'other', task: 'picky', at: expect.any(Number) };
    expect(filtered).toEqual([[{ ...letter, reason: { name: 'Reject', message: 'not this one' } }]]);
    expect(none).toEqual({ code: 0, stdout: '', stderr: 'no dead letters\n' });
    expect(shown.stdout).toMatch(/^id +\S+\ntask +picky\nqueue +default\nparked +\S+Z\nreason +Reject: not this one\n/);
    expect(shown.stdout).toMatch(/\nmessage +\{.*"args":\["bad",1\].*\}\n$/);
    expect(missing).toEqual({ code: 1, stdout: '', stderr: 'error: there is no dead letter of task nobody\n' });
    expect(dry).toMatchObject({ code: 0, stderr: 'would be sent: 2\n' });

    const [sent] = await json('replay', first, '--args', '["good",{"a":1}]', '--to', 'other');
    expect(sent).toEqual({ id: expect.any(String), replayOf: first, task: 'picky', queue: 'other' });
    const { id } = sent as unknown as { id: string };
    expect(await lovage(['result', id, '--wait'], { env })).toMatchObject({ stdout: 'SUCCESS\n["good",{"a":1}]\n' });

    const again = await dlq('replay', '--rate', '100/s', '--force'); // it is rejected once more, under its new id
    expect(again).toMatchObject({ code: 0, stderr: 'sent: 1\n' });
    const [, replayed = ''] = new RegExp(`^${second} → (\\S+) {2}picky {2}other\n$`).exec(again.stdout) ?? [];
    await lovage(['result', replayed, '--wait'], { env });
    expect(await json('list')).toEqual([[expect.objectContaining({ id: replayed, queue: 'other' })]]);
    expect((await dlq('show', replayed)).stdout).toContain(`"replayOf":"${second}"`);

    const [gone, would, purged] = [
      await dlq('replay', first),
      await dlq('purge', '--dry-run'),
      await dlq('purge', '--task', 'picky', '--force'),
    ];
    expect(gone).toMatchObject({ code: 1, stderr: `error: there is no dead letter of task ${first}\n` });
    expect(would.stdout).toBe('would delete 1 dead letter\n');
    expect(purged.stdout).toBe('deleted 1 dead letter\n');
    expect(await json('list')).toEqual([[]]);
  });
});
