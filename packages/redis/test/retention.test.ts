import { Lovage, Reject } from '@lovage/core';
import { defaultRetention, newTaskId } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { startWorker } from '@lovage/core/worker';
import { describe, expect, it } from 'vitest';
import { redisDriver, streamsDriver } from '../src/index.ts';
import { connect } from './bench.ts';
import { streamsUrl } from './streams-bench.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

const day = 86_400_000;

interface Leftover {
  readonly key: string;
  readonly type: string;
  /** Milliseconds; -1: kept for ever. */
  readonly ttl: number;
}

/** Every key under a prefix. */
async function leftovers(prefix: string): Promise<readonly Leftover[]> {
  const keys = await redis.server.client.keys(`*${prefix}*`);
  return Promise.all(
    keys.map(async (key) => ({
      key,
      type: await redis.server.client.type(key),
      ttl: await redis.server.client.pttl(key),
    })),
  );
}

/** Runs tasks that end in every way, with the settings that an app has by default. */
async function work(broker: string, prefix: string, tasks = 50): Promise<void> {
  const app = new Lovage('retention', { broker, prefix, drivers: [redisDriver, streamsDriver], logLevel: 'silent' });
  const ok = app.task('ok', (n: number) => n);
  const quiet = app.task({ name: 'quiet', ignoreResult: true }, () => 'nobody asks');
  const fail = app.task({ name: 'fail', maxRetries: 1, defaultRetryDelay: 1 }, () => {
    throw new Error('no');
  });
  const reject = app.task('reject', () => {
    throw new Reject('no');
  });
  const limited = app.task({ name: 'limited', rateLimit: '1000/s' }, () => 'limited');
  const worker = await startWorker(app);
  const sent: { get(options: object): Promise<unknown> }[] = [];
  for (let index = 0; index < tasks; index++) {
    sent.push(await ok.delay(index), await fail.delay(), await reject.delay(), await limited.delay());
    await quiet.delay();
  }
  const revoked = await ok.applyAsync([1], { countdown: '1h' });
  await revoked.revoke();
  await Promise.all(sent.map((result) => result.get({ timeout: '20s' }).catch(() => undefined)));
  await worker.close();
  await app.close();
}

describe.each([
  ['redis', () => redis.server.url],
  ['redis+streams', () => streamsUrl(redis.server)],
])('finished work on %s', (_scheme, url) => {
  it('leaves results that expire, and nothing else that grows with the number of tasks', async () => {
    const prefix = `r${newTaskId()}`;
    await work(url(), prefix);
    const left = await leftovers(prefix);
    const results = left.filter(({ key }) => key.includes(':result:'));
    expect(results.length).toBeGreaterThanOrEqual(200);
    for (const { key, ttl } of results) {
      expect(ttl, key).toBeGreaterThan(0);
      expect(ttl, key).toBeLessThanOrEqual(7 * day);
    }
    // BullMQ keeps failed tasks as hashes, of which the bounded set of failed ones holds the names
    const kept = left.filter(({ key, ttl }) => ttl < 0 && !key.includes(':result:'));
    const failed = kept.filter(({ key, type }) => type === 'hash' && /:[0-9a-f-]{36}$/.test(key));
    expect([0, 50]).toContain(failed.length);
    // the history has bounds of its own (its exam): seven keys, and one for each kind of failure
    const history = kept.filter(({ key }) => key.includes(':history:'));
    expect(history.length).toBeLessThanOrEqual(7 + 2);
    expect(kept.length - failed.length - history.length).toBeLessThan(20);
    const entries = await Promise.all(
      kept
        .filter((entry) => entry.type === 'stream' && !history.includes(entry))
        .map(async ({ key }) => [key, await redis.server.client.xlen(key)] as const),
    );
    for (const [key, length] of entries) {
      expect(length, key).toBeLessThanOrEqual(/:dead:/.test(key) ? 50 : /:events$/.test(key) ? 1_100 : 0);
    }
  });

  it('keeps at most 10,000 dead letters of a queue', async () => {
    const prefix = `r${newTaskId()}`;
    const key = `lovage:${prefix}:dead:default`;
    const fill = redis.server.client.pipeline();
    for (let index = 0; index < 10_300; index++) fill.xadd(key, '*', 'id', `old-${index}`, 'at', '1', 'body', '{}');
    await fill.exec();
    await work(url(), prefix, 1);
    const length = await redis.server.client.xlen(key);
    expect(length).toBeGreaterThan(9_900);
    expect(length).toBeLessThanOrEqual(10_100); // Redis trims by whole nodes of 100
    const [newest] = await redis.server.client.xrevrange(key, '+', '-', 'COUNT', 1);
    expect(newest?.[1]).toContain('Reject');
  });
});

it("keeps at most 10,000 failed tasks in BullMQ's set, and none for more than 7 days", async () => {
  const prefix = `r${newTaskId()}`;
  const key = `${prefix}:default:failed`;
  const now = Date.now();
  const fill = redis.server.client.pipeline();
  for (let index = 0; index < 10_200; index++) fill.zadd(key, now - 60_000 + index, `recent-${index}`);
  for (let index = 0; index < 100; index++) fill.zadd(key, now - 8 * day, `old-${index}`);
  await fill.exec();
  await work(redis.server.url, prefix, 1);
  await until(async () => (await redis.server.client.zcard(key)) <= 10_000, { what: 'the set to be trimmed' });
  expect(await redis.server.client.zcount(key, '-inf', now - 7 * day)).toBe(0);
});

it('sweeps failed jobs that are too old or take too much, though no job fails any more', async () => {
  const prefix = `r${newTaskId()}`;
  const retention = { ...defaultRetention, deadLetterBytes: 1_000_000, grace: 0 };
  const connection = connect(redis.server.url, { prefix, retention });
  const now = Date.now();
  const fill = redis.server.client.pipeline().sadd(`lovage:${prefix}:queues`, 'default');
  const fail = (id: string, at: number, data: string) =>
    fill
      .hset(`${prefix}:default:${id}`, {
        name: 't',
        data,
        opts: '{}',
        failedReason: 'no',
        timestamp: at,
        finishedOn: at,
      })
      .zadd(`${prefix}:default:failed`, at, id);
  for (let index = 0; index < 5; index++) fail(`old-${index}`, now - 8 * day, '{}');
  for (let index = 0; index < 40; index++) fail(`large-${index}`, now - 60_000 + index, `"${'x'.repeat(100_000)}"`);
  await fill.exec();
  await connection.sweep?.();
  const left = await redis.server.client.zrange(`${prefix}:default:failed`, '0', '-1');
  expect(left.length).toBeGreaterThan(5); // about nine of them fit
  expect(left.length).toBeLessThan(15);
  expect(left.at(-1)).toBe('large-39');
  expect(left.every((id) => id.startsWith('large'))).toBe(true);
  expect(await redis.server.client.exists(`${prefix}:default:large-0`, `${prefix}:default:old-0`)).toBe(0);
  await connection.close(1_000);
});
