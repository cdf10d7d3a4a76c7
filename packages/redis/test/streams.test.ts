import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type Connection, newTaskId, systemClock } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { expect, it } from 'vitest';
import { streamsDriver } from '../src/index.ts';
import { ack, consume, createMessage, emptied, required, success } from './bench.ts';
import { RedisServer } from './redis-server.ts';
import { baseOf, connectStreams, silent } from './streams-bench.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

/** A connection under a prefix of its own. */
function open(of: RedisServer = redis.server): {
  readonly connection: Connection;
  readonly prefix: string;
  readonly base: string;
} {
  const prefix = `t${newTaskId()}`;
  const connection = connectStreams(of, { prefix });
  redis.endings.push(() => connection.close(2_000));
  return { connection, prefix, base: baseOf({ prefix, queue: 'alpha' }) };
}

const publish = (connection: Connection, messages: Parameters<NonNullable<Connection['broker']>['publish']>[0]) =>
  required(connection.broker).publish(messages);

it.each([
  ['one slot', 1],
  ['sixteen slots', 16],
])('a saturated high band leaves a low one its share: %s', async (_name, slots) => {
  const { connection } = open();
  const high = Array.from({ length: 960 }, () => createMessage({ priority: 9 }));
  const low = Array.from({ length: 200 }, () => createMessage({ priority: 0 }));
  await publish(connection, [...low, ...high]);
  const seen = await consume(connection, { slots });
  await seen.arrived(800);
  const first = seen.deliveries.slice(0, 800).map(({ message }) => message.priority);
  const share = first.filter((priority) => priority === 0).length / first.length;
  expect(share).toBeGreaterThan(1 / 32); // 1/16 of the turns, nine tenths of them below the top
  expect(share).toBeLessThan(1 / 8);
});

it('within a band it is first come first served, although others are served between', async () => {
  const { connection } = open();
  const messages = Array.from({ length: 300 }, (_, index) => createMessage({ priority: index % 3 === 0 ? 9 : 4 }));
  await publish(connection, messages);
  const seen = await consume(connection, { slots: 1 });
  await seen.arrived(300);
  for (const priority of [9, 4]) {
    const ids = seen.deliveries.filter(({ message }) => message.priority === priority).map(({ message }) => message.id);
    expect(ids).toEqual(messages.filter((message) => message.priority === priority).map(({ id }) => id));
  }
});

it('makes a deleted stream and a deleted group again under a running worker, and says so', async () => {
  const { connection, base } = open();
  const seen = await consume(connection, { slots: 2 });
  const before = createMessage();
  await publish(connection, [before]);
  await seen.arrived(1);
  await emptied(connection);
  await redis.server.client.del(`${base}p0`, `${base}front`);
  await until(() => seen.errors.some(({ message }) => message.includes('made again')), { what: 'the word about it' });
  const after = createMessage();
  await publish(connection, [after]);
  await seen.arrived(2);
  await emptied(connection);
  await redis.server.client.xgroup('DESTROY', `${base}p0`, 'lovage');
  const last = createMessage();
  await publish(connection, [last]);
  await seen.arrived(3);
  expect(seen.deliveries.map(({ message }) => message.id)).toEqual([before.id, after.id, last.id]);
});

it('goes on after a FLUSHALL', async () => {
  const own = await RedisServer.start();
  redis.endings.push(() => own.stop());
  const { connection } = open(own);
  const seen = await consume(connection, { slots: 2 });
  const message = createMessage();
  await publish(connection, [message]);
  await seen.arrived(1);
  await own.client.flushall();
  await publish(connection, [message]);
  await seen.arrived(2);
});

it('refuses a Redis older than 6.2, with its version', async () => {
  const old = createServer((socket) => {
    socket.on('data', (bytes) => {
      for (const _command of bytes.toString().matchAll(/^\*/gm)) {
        const info = '# Server\r\nredis_version:6.0.16\r\nloading:0\r\n';
        socket.write(`$${info.length}\r\n${info}\r\n`);
      }
    });
    socket.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(old, 'listening');
  redis.endings.push(async () => old.close());
  const url = `redis+streams://127.0.0.1:${(old.address() as AddressInfo).port}`;
  const connection = streamsDriver.connect(url, {
    clock: systemClock,
    logger: silent,
    prefix: undefined,
    connection: { socketTimeout: 5_000, connectTimeout: 5_000 },
    publishTimeout: 5_000,
  });
  redis.endings.push(() => connection.close(500));
  await expect(connection.check(5_000)).rejects.toThrow(/6\.2.*6\.0\.16/);
  await expect(consume(connection)).rejects.toThrow(/6\.0\.16/);
});

it('takes a whole message that another producer wrote, and parks what is none', async () => {
  const { connection, base } = open();
  const seen = await consume(connection, { slots: 2 });
  const message = createMessage({ args: ['from elsewhere'] });
  await redis.server.client.xadd(`${base}p0`, '*', message.id, JSON.stringify(message));
  await redis.server.client.xadd(`${base}p0`, '*', 'foo', 'bar', 'more', 'fields');
  await redis.server.client.xadd(`${base}p3`, '*', 'huge', 'x'.repeat(40_000_000));
  await until(() => seen.malformed.length === 2, { timeout: 15_000, what: 'the malformed ones' });
  await emptied(connection);
  expect(seen.deliveries.map((delivery) => delivery.message)).toEqual([message]);
  const letters = await required(connection.monitor).deadLetters('alpha', 10);
  expect(letters.map(({ body }) => body.length).sort((a, b) => a - b)).toEqual([3, 2 * 1024 * 1024]);
});

it('an idle worker asks Redis for less than three commands a second', async () => {
  const own = await RedisServer.start();
  redis.endings.push(() => own.stop());
  const { connection } = open(own);
  await consume(connection);
  const commands = async (): Promise<number> => {
    const info = await own.client.info('commandstats');
    const calls = [...info.matchAll(/cmdstat_([^:|]+)[^:]*:calls=(\d+)/g)];
    return calls.reduce((sum, [, name, count]) => sum + (name === 'info' ? 0 : Number(count)), 0);
  };
  await until(async () => (await own.client.info('clients')).includes('blocked_clients:1'), {
    what: 'the waiting read',
  });
  const before = await commands();
  const began = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 12_000)); // longer than every interval: nothing here can be waited for
  const seconds = (performance.now() - began) / 1000;
  expect(((await commands()) - before) / seconds).toBeLessThan(3);
});

it('a hundred thousand delayed tasks slow no reads, and those that are due come', { timeout: 60_000 }, async () => {
  const { connection } = open();
  const later = Date.now() + 3_600_000;
  for (let start = 0; start < 100_000; start += 10_000) {
    await publish(
      connection,
      Array.from({ length: 10_000 }, (_, index) => createMessage({ args: [], eta: later + start + index })),
    );
  }
  const soon = createMessage({ eta: Date.now() + 200 });
  await publish(connection, [soon]);
  const now = Array.from({ length: 2_000 }, () => createMessage());
  const seen = await consume(connection, { slots: 50 });
  await publish(connection, now);
  await seen.arrived(2_001, 20_000);
  expect(seen.deliveries.some(({ message }) => message.id === soon.id)).toBe(true);
  expect(await required(connection.monitor).counts(['alpha'])).toMatchObject([{ delayed: 100_000 }]);
});

it('takes ids and values that hold any character', async () => {
  const { connection, base } = open();
  const ids = ['a\nb', '\n', 'a\0b\n', 'plain', ' ', '"'];
  const messages = ids.map((id) => createMessage({ id, args: [`\n${id}\0\u2028`] }));
  await publish(connection, [...messages, ...messages]); // each twice: known by its whole id
  const seen = await consume(connection, { slots: 10 }, async ({ message }) => success(message.id, 'done'));
  await seen.arrived(ids.length);
  await emptied(connection);
  expect(seen.deliveries.map(({ message }) => [message.id, message.args])).toEqual(
    messages.map(({ id, args }) => [id, args]),
  );
  const records = await required(connection.results).get(ids);
  expect(records.map((record) => record?.id)).toEqual(ids);
  expect(await redis.server.client.scard(`${base}known`)).toBe(0);
});

it('trims what is over, and nothing that still runs or waits', async () => {
  const { connection, base } = open();
  const messages = Array.from({ length: 40 }, () => createMessage());
  await publish(connection, messages);
  const answers: (() => void)[] = [];
  const seen = await consume(connection, { slots: 30 }, async ({ message }) => {
    await new Promise<void>((resolve) => answers.push(resolve));
    return success(message.id, 'done');
  });
  await seen.arrived(30);
  for (const index of [5, 29, 0, 1, 2]) answers[index]?.(); // one by one and together, in no order
  await seen.arrived(35);
  await until(async () => (await redis.server.client.xlen(`${base}p0`)) === 35, { what: 'the five to be gone' });
  for (let index = 0; index < 40; index += 1) {
    await seen.arrived(index + 1);
    answers[index]?.();
  }
  await emptied(connection);
  expect(seen.deliveries).toHaveLength(40);
  expect(await redis.server.client.xlen(`${base}p0`)).toBe(0);
});

it('a removed message is not delivered, counts no more, and may be published again', async () => {
  const { connection } = open();
  const messages = Array.from({ length: 40 }, () => createMessage());
  const delayed = createMessage({ eta: Date.now() + 60_000 });
  await publish(connection, [...messages, delayed]);
  const monitor = required(connection.monitor);
  const [first, second] = messages as [ReturnType<typeof createMessage>, ReturnType<typeof createMessage>];
  expect(await monitor.remove?.([first.id, 'unknown', second.id, delayed.id])).toEqual([true, false, true, true]);
  expect(await monitor.counts(['alpha'])).toMatchObject([{ waiting: 38, delayed: 0 }]);
  expect(await monitor.locate([first.id, delayed.id])).toEqual([undefined, undefined]);
  await publish(connection, [second]);
  const seen = await consume(connection, { slots: 20 });
  await seen.arrived(39);
  await emptied(connection);
  const ids = seen.deliveries.map(({ message }) => message.id);
  expect(ids).toHaveLength(39);
  expect(ids).not.toContain(first.id);
  expect(ids.at(-1)).toBe(second.id);
});

it('rings of many results come in few messages, each with its record', async () => {
  const { connection } = open();
  const rung = new Map<string, unknown>();
  let channels = 0;
  await required(connection.results).watch('inbox', ({ id, record }) => void rung.set(id, record?.value));
  const listener = redis.server.client.duplicate();
  redis.endings.push(async () => listener.disconnect());
  listener.on('pmessage', (_pattern, channel: string) => {
    if (channel.includes('inbox:inbox')) channels += 1;
  });
  await listener.psubscribe('*');
  const messages = Array.from({ length: 500 }, (_, index) => createMessage({ args: [index], replyTo: 'inbox' }));
  await publish(connection, messages);
  await consume(connection, { slots: 100 }, async ({ message }) =>
    success(message.id, `value ${message.args[0]}`, 'inbox'),
  );
  await until(() => rung.size === 500, { what: 'every ring' });
  expect(rung.get(messages[7]?.id ?? '')).toBe('value 7');
  expect(channels).toBeLessThan(100);
});

it('keeps a delivery whose result may not be written, and ends it when it may', async () => {
  const own = await RedisServer.start();
  redis.endings.push(() => own.stop());
  const { connection, prefix } = open(own);
  await own.client.call(
    'ACL',
    'SETUSER',
    'default',
    'resetkeys',
    `~lovage:${prefix}:stream*`,
    `~lovage:${prefix}:dead*`,
  );
  const seen = await consume(connection, { slots: 1 }, async ({ message }) => success(message.id, 'kept'));
  const message = createMessage();
  await publish(connection, [message]);
  await until(() => seen.errors.some(({ message: text }) => text.includes('could not be stored')), {
    what: 'the refusal',
  });
  expect(await required(connection.monitor).counts(['alpha'])).toMatchObject([{ running: 1 }]);
  await own.client.call('ACL', 'SETUSER', 'default', 'allkeys');
  await emptied(connection);
  const [record] = await required(connection.results).get([message.id]);
  expect(record).toMatchObject({ value: 'kept' });
  expect(seen.deliveries).toHaveLength(1);
});

it('closes in time when Redis is frozen, and the tasks come again', async () => {
  const own = await RedisServer.start();
  redis.endings.push(() => own.stop());
  const { connection, prefix } = open(own);
  const seen = await consume(
    connection,
    { slots: 3, leaseDuration: 1_000, orphanInterval: 500 },
    () => new Promise(() => {}),
  );
  const messages = Array.from({ length: 3 }, () => createMessage());
  await publish(connection, messages);
  await seen.arrived(3);
  own.freeze();
  const began = performance.now();
  const report = await seen.consumer.close(500);
  await connection.close(500);
  expect(performance.now() - began).toBeLessThan(3_000);
  expect(report).toEqual({ released: 0, abandoned: 3 });
  own.thaw();
  const other = connectStreams(own, { prefix });
  redis.endings.push(() => other.close(1_000));
  const again = await consume(other, { slots: 3, leaseDuration: 1_000, orphanInterval: 500 });
  await again.arrived(3);
  expect(again.deliveries.map(({ message }) => message.id).sort()).toEqual(messages.map(({ id }) => id).sort());
});

it('a waiting task with 200 bytes of arguments takes no more than 400 bytes (P6)', async () => {
  const own = await RedisServer.start();
  redis.endings.push(() => own.stop());
  const { connection } = open(own);
  const used = async (): Promise<number> =>
    Number(/used_memory_dataset:(\d+)/.exec(await own.client.info('memory'))?.[1]);
  const replyTo = newTaskId();
  const fill = (count: number): Promise<void> =>
    publish(
      connection,
      Array.from({ length: count }, () => {
        const id = newTaskId();
        return createMessage({
          id,
          task: 'store',
          sentAt: Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16),
          args: ['x'.repeat(196)],
          replyTo,
        });
      }),
    );
  await fill(500);
  const before = await used();
  await fill(20_000);
  expect(((await used()) - before) / 20_000).toBeLessThanOrEqual(400);
});

it('works on a cluster: every key of a script is in one slot', async () => {
  const own = await RedisServer.start({ 'cluster-enabled': 'yes', 'cluster-announce-ip': '127.0.0.1' });
  redis.endings.push(() => own.stop());
  await own.client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  await until(async () => String(await own.client.call('CLUSTER', 'INFO')).includes('cluster_state:ok'), {
    what: 'the cluster',
  });
  const connection = streamsDriver.connect(own.url.replace('redis:', 'redis+streams+cluster:'), {
    clock: systemClock,
    logger: silent,
    prefix: undefined,
    connection: { socketTimeout: 15_000, connectTimeout: 5_000 },
    publishTimeout: 5_000,
  });
  redis.endings.push(() => connection.close(2_000));
  const seen = await consume(
    connection,
    { queues: ['one', 'two'], slots: 20 },
    async ({ message: { id, args, retries, ...rest } }) => {
      if (args[0] === 'retry' && retries === 0)
        return { kind: 'retryAt', at: Date.now() + 50, message: { ...rest, id, args, retries: 1 } };
      return args[0] === 'bad'
        ? { kind: 'deadLetter', reason: { name: 'Reject', message: 'no' } }
        : success(id, 'done', 'inbox');
    },
  );
  const messages = ['good', 'retry', 'bad', 'good', 'good'].map((what, index) =>
    createMessage({ args: [what], queue: index % 2 ? 'two' : 'one' }),
  );
  await publish(connection, messages);
  for (const queue of ['one', 'two']) await emptied(connection, queue);
  expect(seen.errors).toEqual([]);
  const records = await required(connection.results).get(messages.map((message) => message.id));
  expect(records.map((record) => record?.value)).toEqual(['done', 'done', undefined, 'done', 'done']);
  expect(await required(connection.monitor).counts(['one'])).toMatchObject([{ dead: 1 }]);
  await seen.consumer.close(2_000);
});

it('a worker that is held up longer than its lease does not take its own deliveries for orphans', async () => {
  const { connection } = open();
  const seen = await consume(connection, { slots: 2, leaseDuration: 400, orphanInterval: 200 }, async () => {
    const end = performance.now() + 1_500;
    while (performance.now() < end); // holds the event loop up
    await new Promise((resolve) => setTimeout(resolve, 600));
    return ack;
  });
  await publish(connection, [createMessage()]);
  await emptied(connection);
  expect(seen.deliveries).toHaveLength(1);
});
