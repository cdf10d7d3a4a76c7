import { type Connection, type Message, newTaskId } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { describe, expect, it } from 'vitest';
import { connect, consume, createMessage, required, type Seen } from './bench.ts';
import { connectStreams } from './streams-bench.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

interface Opened {
  readonly connection: Connection;
  readonly prefix: string;
}

/** Resolves when these have been delivered, whatever else came. */
async function delivered({ deliveries }: Seen, messages: readonly Message[]): Promise<void> {
  const missing = (): number => {
    const seen = new Set(deliveries.map(({ message }) => message.id));
    return messages.filter(({ id }) => !seen.has(id)).length;
  };
  await until(() => missing() === 0, { what: () => `${missing()} of ${messages.length} messages` });
}

function messagesOf(queue: string, fields: Partial<Message> = {}): Message[] {
  return Array.from({ length: 20 }, () => createMessage({ queue, ...fields }));
}

describe.each([
  ['redis', (prefix: string) => connect(redis.server.url, { prefix })],
  ['redis+streams', (prefix: string) => connectStreams(redis.server, { prefix })],
])('one bad row, on %s', (_driver, connectTo) => {
  function open(): Opened {
    const prefix = `t${newTaskId()}`;
    const connection = connectTo(prefix);
    redis.endings.push(() => connection.close(1_000));
    return { connection, prefix };
  }

  it('in the places of a dead process does not keep others from being freed', async () => {
    const { connection, prefix } = open();
    const base = `lovage:${prefix}:admission:`;
    const { client } = redis.server;
    await client.hset(`${base}g:numbers:holders`, 'no-colon', 'no-number');
    await client.set(`${base}g:type:holders`, 'a string');
    await client.set(`${base}g:type:line`, 'a string');
    await client.hset(`${base}g:good:holders`, 'alpha:gone', '1');
    await client.zadd(`${base}look`, 0, 'type', 1, 'numbers', 2, 'good');
    const semaphore = required(connection.semaphore);
    const overdue = await semaphore.overdue({ interval: 1, minHeldMs: 1_000, limit: 100 });
    expect(overdue?.map(({ group }) => group)).toEqual(['numbers', 'good']);
    await client.hset(`${base}halted`, 'odd', 'no-colon');
    expect((await semaphore.halted()).map(({ group }) => group)).toEqual(['odd']);
  });

  it('among dead letters is listed with the others, and a queue without a list does not hide the others', async () => {
    const { connection, prefix } = open();
    const { client } = redis.server;
    const dead = `lovage:${prefix}:dead:`;
    await client.xadd(`${dead}alpha`, '*', 'at', '1e300', 'body', '\ud800');
    await client.xadd(`${dead}alpha`, '*', 'at', '1700000000000', 'id', 'good', 'body', '{}');
    const letters = await required(connection.monitor).deadLetters('alpha', 10);
    expect(letters.map(({ at }) => new Date(at).getUTCFullYear())).toEqual([2023, 1970]);
    await client.set(`${dead}beta`, 'a string');
    const counts = await required(connection.monitor).counts(['alpha', 'beta']);
    expect(counts).toMatchObject([{ dead: 2 }, { queue: 'beta', problem: expect.stringContaining('WRONGTYPE') }]);
  });

  it('among delayed messages does not hold up the others', async () => {
    const { connection, prefix } = open();
    await required(connection.broker).publish([createMessage({ eta: Date.now() + 60_000 })]);
    const { client } = redis.server;
    const base = `lovage:${prefix}:stream:alpha:`;
    await client.zadd(`${prefix}:alpha:delayed`, 1, 'ghost', 4096, '');
    await client.zadd(`${base}due`, 1, 'ghost', 2, 'short', 3, 'band', 4, 'type');
    await client.hset(`${base}held`, 'short', '', 'band', 'x:{}', 'type', '7:{}');
    await client.set(`${base}p7`, 'a string');
    const messages = messagesOf('alpha', { eta: Date.now() + 300 });
    await required(connection.broker).publish(messages);
    await client.del(`${base}p7`); // which would keep the queue from being opened
    await delivered(await consume(connection), messages);
  });

  it('of a type of its own in one queue does not keep a worker from its other queues', async () => {
    const { connection, prefix } = open();
    const { client } = redis.server;
    const seen = await consume(connection, { queues: ['alpha', 'beta', 'gamma'] });
    const first = messagesOf('beta');
    await required(connection.broker).publish([...first, ...messagesOf('gamma')]);
    await delivered(seen, first);
    for (const key of [`lovage:${prefix}:stream:beta:p3`, `${prefix}:beta:prioritized`]) {
      await client.del(key);
      await client.set(key, 'a string');
    }
    await client.set(`lovage:${prefix}:stream:gamma:removed`, 'a string');
    const others = [...messagesOf('alpha'), ...messagesOf('alpha', { priority: 5 })];
    await required(connection.broker).publish(others);
    await delivered(seen, others);
    const gamma = messagesOf('gamma');
    await required(connection.broker).publish(gamma);
    await delivered(seen, gamma);
    for (const key of [`lovage:${prefix}:stream:beta:p3`, `${prefix}:beta:prioritized`]) await client.del(key);
    const later = messagesOf('beta');
    await required(connection.broker).publish(later);
    await delivered(seen, later);
  }, 40_000);

  it('of a type of its own is named to whoever asks for it, with its key', async () => {
    const { connection, prefix } = open();
    const { client } = redis.server;
    const base = `lovage:${prefix}:`;
    const message = createMessage({ queue: 'omega' });
    const { leases, uniqueKeys, schedules, sharedRegistry, revocations, semaphore, monitor } = connection;
    const asked: readonly (readonly [key: string, ask: () => Promise<unknown>])[] = [
      ['lease:a', () => required(leases).acquire('a', 'me', 1_000)],
      ['claim:a', () => required(uniqueKeys).release('a', 'id')],
      ['schedules', () => required(schedules).list()],
      ['schedules', () => required(schedules).save({ name: 'a', definition: {}, enabled: true })],
      ['book:a', () => required(sharedRegistry).put('a', 'name', 1)],
      ['book:a', () => required(sharedRegistry).list('a')],
      ['revocations', () => required(revocations).read()],
      ['admission:halted', () => required(semaphore).halted()],
      ['dead:omega', () => required(monitor).deadLetters('omega', 10)],
      ['stream:omega:p0', () => required(connection.broker).publish([message])],
    ];
    for (const [key, ask] of asked) {
      const jobs = `${prefix}:omega:prioritized`;
      await client.lpush(`${base}${key}`, 'of another program');
      await client.set(jobs, 'of another program');
      const error = await ask().then(
        () => undefined,
        (caught: unknown) => (caught instanceof AggregateError ? caught.errors[0] : caught),
      );
      expect(error, key).toMatchObject({
        name: 'BrokerCommandError',
        message: expect.stringMatching(new RegExp(`".*${prefix}:.*WRONGTYPE`)),
      });
      await client.del(`${base}${key}`, jobs);
    }
  });
});
