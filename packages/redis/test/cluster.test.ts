import { type Connection, newTaskId, systemClock } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { redisDriver, streamsDriver } from '../src/index.ts';
import { createKeys } from '../src/keys.ts';
import { consume, createMessage, emptied, required, type Seen, success } from './bench.ts';
import { RedisCluster } from './redis-cluster.ts';
import { silent } from './streams-bench.ts';

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await RedisCluster.start();
}, 40_000);
afterAll(() => cluster.stop());

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const drivers = [
  ['redis+streams+cluster', streamsDriver],
  ['redis+cluster', redisDriver],
] as const;

function open([scheme, driver]: (typeof drivers)[number], prefix: string): Connection {
  const connection = driver.connect(cluster.url(scheme), {
    clock: systemClock,
    logger: silent,
    prefix,
    connection: { socketTimeout: 3_000, connectTimeout: 2_000 },
    publishTimeout: 15_000,
  });
  endings.push(() => connection.close(2_000));
  return connection;
}

/** The port of a queue's master, by what of it lies there. */
async function masterOf(scheme: string, prefix: string, queue: string): Promise<number> {
  const keys = createKeys({ kind: 'cluster', db: 0 }, prefix);
  return cluster.masterOf(scheme === 'redis+cluster' ? keys.job(queue, 'wait') : keys.stream(queue));
}

/** A queue on each of the three masters. */
async function queuesApart(scheme: string, prefix: string): Promise<readonly string[]> {
  const found = new Map<number, string>();
  for (let number = 0; found.size < 3; number += 1) {
    const port = await masterOf(scheme, prefix, `queue${number}`);
    if (!found.has(port)) found.set(port, `queue${number}`);
  }
  return [...found.values()];
}

const counted = async (connection: Connection, queues: readonly string[]): Promise<number[]> =>
  (await required(connection.monitor).counts(queues)).map(({ dead }) => dead);

it.each(drivers)('%s: queues on different masters, their results on all of them', async (...which) => {
  const prefix = `t${newTaskId().slice(-12)}`;
  const connection = open(which, prefix);
  const queues = await queuesApart(which[0], prefix);
  const rings = new Set<string>();
  await required(connection.results).watch('inbox', ({ id }) => rings.add(id));
  const messages = queues.flatMap((queue) =>
    ['good', 'retry', 'bad', 'later', ...Array.from({ length: 96 }, () => 'good')].map((what) =>
      createMessage({ args: [what], queue, ...(what === 'later' ? { eta: Date.now() + 200 } : {}) }),
    ),
  );
  await required(connection.broker).publish(messages);
  await required(connection.broker).publish(messages.slice(0, 3)); // waiting there: nothing is added
  const seen = await consume(connection, { queues, slots: 20 }, async ({ message }) => {
    const { id, args, retries } = message;
    if (args[0] === 'retry' && retries === 0)
      return { kind: 'retryAt', at: Date.now() + 50, message: { ...message, retries: 1 } };
    if (args[0] === 'bad') return { kind: 'deadLetter', reason: { name: 'Reject', message: 'no' } };
    return success(id, 'done', 'inbox');
  });
  for (const queue of queues) await emptied(connection, queue);
  const good = messages.filter(({ args }) => args[0] !== 'bad').map(({ id }) => id);
  const records = await required(connection.results).get(messages.map(({ id }) => id));
  expect(records.filter((record) => record?.value === 'done')).toHaveLength(good.length);
  await until(() => good.every((id) => rings.has(id)), { what: 'the rings' });
  expect(await counted(connection, queues)).toEqual([1, 1, 1]);
  const keys = createKeys({ kind: 'cluster', db: 0 }, prefix);
  const masters = await Promise.all(good.map((id) => cluster.masterOf(keys.result(id))));
  expect(new Set(masters).size).toBe(3);
  await required(connection.results).forget(good);
  expect((await required(connection.results).get(good)).filter(Boolean)).toEqual([]);
  expect(seen.errors).toEqual([]);
  await seen.consumer.close(2_000);
});

it('a prefix with a hash tag keeps everything on one master', async () => {
  const connection = open(drivers[0], '{one}');
  await required(connection.broker).publish(['a', 'b', 'c'].map((queue) => createMessage({ queue })));
  const seen = await consume(connection, { queues: ['a', 'b', 'c'] }, async ({ message }) =>
    success(message.id, 'done'),
  );
  await seen.arrived(3);
  for (const queue of ['a', 'b', 'c']) await emptied(connection, queue);
  const ports = await Promise.all(['a', 'b', 'c'].map((queue) => cluster.masterOf(`lovage:{one}:stream:${queue}:`)));
  expect(new Set(ports).size).toBe(1);
  await seen.consumer.close(2_000);
});

it('a late settlement of a lost lease stores nothing', async () => {
  const prefix = `t${newTaskId().slice(-12)}`;
  const connection = open(drivers[0], prefix);
  let end: (() => void) | undefined;
  const seen: Seen = await consume(connection, { slots: 2 }, async ({ message, deliveryCount }) => {
    if (deliveryCount > 1) return { kind: 'release', at: Date.now() + 60_000 };
    await new Promise<void>((resolve) => {
      end = resolve;
    });
    return success(message.id, 'stale');
  });
  const message = createMessage();
  await required(connection.broker).publish([message]);
  await seen.arrived(1);
  const stream = `lovage:${prefix}:stream:{alpha}:`;
  const [[entry, fields]] = (await cluster.client.xrange(`${stream}p0`, '-', '+')) as [[string, string[]]];
  await cluster.client.xadd(`${stream}front`, '*', ...fields, 'band', '0', 'lost', '1'); // as a sweep does
  await cluster.client.xack(`${stream}p0`, 'lovage', entry);
  await cluster.client.xdel(`${stream}p0`, entry);
  await seen.arrived(2);
  end?.();
  await until(() => seen.errors.some(({ message: text }) => text.includes('settled too late')), { what: 'the word' });
  expect(await required(connection.results).get([message.id])).toEqual([undefined]);
  await seen.consumer.close(2_000);
});

it.each(drivers)(
  "%s: a master's death stops its queue for a failover, and loses nothing; on Streams the other queues go on",
  {
    timeout: 60_000,
  },
  async (...which) => {
    await cluster.relaunch(); // of the test before
    const prefix = `t${newTaskId().slice(-12)}`;
    const producer = open(which, prefix);
    const worker = open(which, prefix);
    const queues = await queuesApart(which[0], prefix);
    const [doomed = ''] = queues;
    const ends: { readonly queue: string; readonly id: string; readonly at: number }[] = [];
    const seen = await consume(
      worker,
      { queues, slots: 12, leaseDuration: 2_000, orphanInterval: 500 },
      async ({ message, queue }) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        ends.push({ queue, id: message.id, at: performance.now() });
        return success(message.id, 'done', 'inbox');
      },
    );
    const accepted: string[] = [];
    let sending = true;
    const send = async (queue: string): Promise<void> => {
      while (sending) {
        const messages = Array.from({ length: 5 }, () => createMessage({ queue, args: [] }));
        await required(producer.broker).publish(messages);
        for (const { id } of messages) accepted.push(id);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    const sends = queues.map(send);
    await until(() => ends.length > 200, { timeout: 15_000, what: 'a running load' });
    await cluster.kill(await masterOf(which[0], prefix, doomed));
    const killed = performance.now();
    const after = (queue: string): number[] =>
      ends.filter((end) => end.queue === queue && end.at > killed + 100).map(({ at }) => at);
    await until(() => after(doomed).length > 50, { timeout: 25_000, what: 'the queue of the dead master' });
    sending = false;
    await Promise.all(sends);
    for (const queue of queues) await emptied(producer, queue);
    const ran = new Set(ends.map(({ id }) => id));
    expect(accepted.filter((id) => !ran.has(id))).toEqual([]);
    // On Streams the others go on meanwhile. On BullMQ each slot waits for its outcome to be stored, a third of them on the dead master.
    const slow = !which[0].includes('streams');
    const back = slow ? Number.POSITIVE_INFINITY : (after(doomed)[12] ?? 0); // behind the slots that were busy at the kill
    for (const queue of queues.slice(1)) {
      const ended = after(queue).filter((at) => at < back).length;
      expect(ended, `tasks of ${queue} that ended after the death of the master of ${doomed}`).toBeGreaterThan(20);
    }
    const records = await required(producer.results).get(accepted);
    expect(records.filter((record) => record?.value !== 'done')).toEqual([]);
    await seen.consumer.close(2_000);
  },
);
