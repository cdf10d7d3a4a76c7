import { newTaskId, sleep, systemClock } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { expect, it } from 'vitest';
import { consume, createMessage, required } from './bench.ts';
import { connectStreams } from './streams-bench.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

function names(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `queue-${index}`);
}

/** Commands that Redis has run, those of scripts included; this look is not counted. */
async function commands(only = ''): Promise<number> {
  const text = await redis.server.client.info('commandstats');
  const lines = [...text.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)];
  return lines
    .filter(([, name]) => name !== 'info' && name?.startsWith(only))
    .reduce((sum, [, , calls]) => sum + Number(calls), 0);
}

function connect(prefix: string) {
  const connection = connectStreams(redis.server, { prefix });
  redis.endings.push(() => connection.close(1_000));
  return connection;
}

it('an idle worker of 300 queues asks Redis less than ten commands a second', { timeout: 60_000 }, async () => {
  const idle = await consume(connect(`t${newTaskId()}`), { queues: names(300) });
  const settled = async (): Promise<boolean> => {
    const before = await commands('xreadgroup');
    await sleep(systemClock, 300);
    return (await commands('xreadgroup')) === before;
  };
  await until(settled, { what: 'all queues looked at' });
  const before = await commands();
  await sleep(systemClock, 10_000);
  expect(((await commands()) - before) / 10).toBeLessThan(10); // 900 when each queue is looked after by itself
  expect(idle.deliveries).toHaveLength(0);
});

it('a task costs Redis the same work whether its worker has twenty queues or four hundred', {
  timeout: 60_000,
}, async () => {
  const cost = async (count: number): Promise<number> => {
    const connection = connect(`t${newTaskId()}`);
    const { arrived, consumer } = await consume(connection, { queues: names(count), slots: 20 });
    const publish = async (from: number): Promise<void> => {
      for (let index = from; index < from + 100; index += 1)
        await required(connection.broker).publish([createMessage({ queue: `queue-${(index * 7) % count}` })]);
      await arrived(from + 100);
    };
    await publish(0);
    const before = await commands();
    await publish(100);
    const after = await commands();
    await consumer.close(1_000);
    return (after - before) / 100;
  };
  const few = await cost(20);
  const many = await cost(400);
  expect(many).toBeLessThan(few * 2 + 5); // 4,400 reads a task when all queues are asked
});

it('of many queues a paused one waits, a delayed message comes in time, and one after a lost connection too', {
  timeout: 60_000,
}, async () => {
  const prefix = `t${newTaskId()}`;
  const connection = connect(prefix);
  const { arrived, deliveries } = await consume(connection, { queues: names(40) });
  const publisher = connect(prefix);
  const publish = (queue: string, eta?: number): Promise<void> =>
    required(publisher.broker).publish([createMessage({ queue, ...(eta === undefined ? {} : { eta }) })]);
  const { setPaused } = required(publisher.monitor);
  await setPaused?.call(publisher.monitor, 'queue-3', true);
  await publish('queue-3');
  await publish('queue-4');
  await arrived(1);
  expect(deliveries.map(({ queue }) => queue)).toEqual(['queue-4']);
  await setPaused?.call(publisher.monitor, 'queue-3', false);
  await arrived(2);
  const due = Date.now() + 300;
  await publish('queue-5', due);
  await arrived(3);
  expect(Date.now()).toBeGreaterThanOrEqual(due);
  await redis.server.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await publish('queue-6');
  await publish('queue-4');
  await arrived(5);
});
