import { type Connection, newTaskId } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { afterEach, expect, it, vi } from 'vitest';
import { consume, createMessage, emptied, required, success } from './bench.ts';
import { RedisServer } from './redis-server.ts';
import { baseOf, connectStreams } from './streams-bench.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

afterEach(async () => {
  vi.restoreAllMocks();
});

function open(): { readonly connection: Connection; readonly base: string } {
  const prefix = `t${newTaskId()}`;
  const connection = connectStreams(redis.server, { prefix });
  redis.endings.push(() => connection.close(2_000));
  return { connection, base: baseOf({ prefix, queue: 'alpha' }) };
}

const reasonsOf = async (connection: Connection): Promise<string[]> =>
  (await required(connection.monitor).deadLetters('alpha', 100)).map(
    ({ reason }) => `${reason.name}: ${reason.message}`,
  );

/** A message in the short form that a wrong byte or two was written into. */
const strange: readonly (readonly [what: string, id: string, value: string])[] = [
  ['no value', 'a', ''],
  ['no JSON', 'b', 'hello'],
  ['half of it', 'c', '["math.add",[1,'],
  ['a number', 'd', '7'],
  ['null', 'e', 'null'],
  ['no task', 'f', '[]'],
  ['arguments that are none', 'g', '["math.add","x"]'],
  ['a later version', 'h', '[99,"math.add",[]]'],
  ['a later version, whole', 'i', '{"v":99,"id":"i","task":"math.add","args":[]}'],
  ['a prototype', 'j', '["math.add",[],null,{"__proto__":{"x":1}}]'],
  ['depth', 'k', `["math.add",${'['.repeat(10_000)}${']'.repeat(10_000)}]`],
  ['a binary value', 'l', '\u0000\u0001\ufffd'],
];

it.each(strange)('parks a stranger’s entry with its reason, and the queue flows: %s', async (_what, id, value) => {
  const { connection, base } = open();
  const seen = await consume(connection, { slots: 2 }, async ({ message }) => success(message.id, 'done'));
  await redis.server.client.xadd(`${base}p0`, '*', id, value);
  const good = createMessage();
  await required(connection.broker).publish([good]);
  await until(() => seen.malformed.length === 1, { what: 'the malformed one' });
  await emptied(connection);
  expect(await reasonsOf(connection)).toEqual([expect.stringContaining('MalformedMessageError')]);
  expect(seen.deliveries.map(({ message }) => message.id)).toEqual([good.id]);
  expect(({} as { x?: number }).x).toBeUndefined();
});

it('an entry of several fields, and one in a stream that no priority has, harm nobody', async () => {
  const { connection, base } = open();
  const seen = await consume(connection, { slots: 2 });
  await redis.server.client.xadd(`${base}front`, '*', 'x', 'y', 'band', '77', 'lost', '-5', 'more', 'z');
  await redis.server.client.xadd(`${base}p10`, '*', 'x', 'y');
  await until(() => seen.malformed.length === 1, { what: 'the malformed one' });
  await emptied(connection);
  expect(seen.errors).toEqual([]);
});

it('an entry of 100 MB is parked, cut, and not read twice; the worker takes what comes behind it', {
  timeout: 60_000,
}, async () => {
  const own = await RedisServer.start();
  redis.endings.push(() => own.stop());
  const prefix = `t${newTaskId()}`;
  const connection = connectStreams(own, { prefix });
  redis.endings.push(() => connection.close(2_000));
  const seen = await consume(connection, { slots: 4 });
  const before = process.memoryUsage().rss;
  await own.client.xadd(`${baseOf({ prefix, queue: 'alpha' })}p0`, '*', 'huge', Buffer.alloc(100_000_000, 'x'));
  const good = Array.from({ length: 50 }, () => createMessage());
  await required(connection.broker).publish(good);
  await seen.arrived(50, 30_000);
  await until(() => seen.malformed.length === 1, { timeout: 30_000, what: 'the malformed one' });
  await emptied(connection);
  const letters = await required(connection.monitor).deadLetters('alpha', 10);
  expect(letters.map(({ body, reason }) => [body.length, reason.message])).toEqual([
    [2 * 1024 * 1024, expect.stringContaining('100000000 characters')],
  ]);
  expect(process.memoryUsage().rss - before).toBeLessThan(600_000_000); // the client reads it whole, a few times over
});

it.each([
  ['an hour behind', -3_600_000],
  ['an hour ahead', 3_600_000],
])('a worker whose clock is %s keeps to the time of Redis', async (_which, skew) => {
  const { connection } = open();
  const [now, began] = [Date.now.bind(Date), performance.now()];
  const due = now() + 600;
  await required(connection.broker).publish([createMessage({ eta: due })]);
  vi.spyOn(Date, 'now').mockImplementation(() => now() + skew);
  const seen = await consume(connection, { slots: 2, leaseDuration: 1_000, orphanInterval: 300 }, async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_500)); // longer than its lease
    return { kind: 'ack' };
  });
  await seen.arrived(1, 5_000);
  expect(performance.now() - began).toBeGreaterThan(580);
  expect(performance.now() - began).toBeLessThan(2_000);
  await emptied(connection);
  expect(seen.deliveries).toHaveLength(1); // its lease was renewed, and not taken for run out
});
