import { type Connection, newTaskId } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { expect, it } from 'vitest';
import { consume, createMessage, emptied, required, success } from './bench.ts';
import { baseOf, connectStreams } from './streams-bench.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

function open(): { readonly connection: Connection; readonly stream: string } {
  const prefix = `t${newTaskId()}`;
  const connection = connectStreams(redis.server, { prefix });
  redis.endings.push(() => connection.close(2_000));
  return { connection, stream: `${baseOf({ prefix, queue: 'alpha' })}p0` };
}

interface Scaler {
  /** `streamLength`: XLEN. */
  readonly length: number;
  /** `pendingEntriesCount`: what XPENDING counts. */
  readonly pending: number;
  /** `lagCount`: the lag that XINFO GROUPS tells; KEDA takes a nil for an error. */
  readonly lag: number | null;
}

/** Reads what KEDA's redis-streams scaler reads. */
async function scalerReads(stream: string): Promise<Scaler> {
  const { client } = redis.server;
  const [length, pending, groups] = await Promise.all([
    client.xlen(stream),
    client.xpending(stream, 'lovage'),
    client.xinfo('GROUPS', stream) as Promise<unknown[][]>,
  ]);
  const [group = []] = groups;
  return { length, pending: Number(pending[0]), lag: group[group.indexOf('lag') + 1] as number | null };
}

const publish = (connection: Connection, count: number): Promise<void> =>
  required(connection.broker).publish(Array.from({ length: count }, () => createMessage()));

it('KEDA reads work as length, work in flight as pending, and waiting work as lag', async () => {
  const { connection, stream } = open();
  const ends: (() => void)[] = [];
  const seen = await consume(
    connection,
    { slots: 5 },
    ({ message }) => new Promise((resolve) => ends.push(() => resolve(success(message.id, 'done')))),
  );
  await publish(connection, 20);
  await seen.arrived(5);
  expect(await scalerReads(stream)).toEqual({ length: 20, pending: 5, lag: 15 });
  for (const end of ends.splice(0)) end();
  await seen.arrived(10); // five were acknowledged and deleted
  await until(async () => (await scalerReads(stream)).length === 15, { what: 'the deletions' });
  expect(await scalerReads(stream)).toEqual({ length: 15, pending: 5, lag: 10 });
  seen.consumer.pause();
  for (const end of ends.splice(0)) end();
  await until(async () => (await scalerReads(stream)).pending === 0, { what: 'the rest' });
  expect(await scalerReads(stream)).toEqual({ length: 10, pending: 0, lag: 10 });
});

it.each([10, 500, 1_000])('what is purged counts no more, and what comes after it does: %i tasks', async (count) => {
  const { connection, stream } = open();
  const work = () => consume(connection, { slots: 5 }, async ({ message }) => success(message.id, 'done'));
  const before = await work();
  await publish(connection, 5);
  await before.arrived(5);
  await emptied(connection);
  await before.consumer.close(2_000);
  await publish(connection, count);
  expect(await scalerReads(stream)).toEqual({ length: count, pending: 0, lag: count });
  await required(connection.monitor).purge('alpha');
  await publish(connection, 3);
  expect(await scalerReads(stream)).toEqual({ length: 3, pending: 0, lag: 3 });
  await (await work()).arrived(3);
  await emptied(connection);
  expect(await scalerReads(stream)).toEqual({ length: 0, pending: 0, lag: 0 });
});
