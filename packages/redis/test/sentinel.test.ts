import { until } from '@lovage/core/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect, consume, createMessage, emptied, required } from './bench.ts';
import { RedisServer, SentinelServer } from './redis-server.ts';

let master: RedisServer;
let replica: RedisServer;
let sentinel: SentinelServer;
beforeAll(async () => {
  master = await RedisServer.start({ appendonly: 'yes', appendfsync: 'always' });
  replica = await RedisServer.start({ replicaof: `127.0.0.1 ${master.port}`, appendonly: 'yes' });
  await until(async () => (await replica.client.info('replication')).includes('master_link_status:up'), {
    what: 'the replica',
  });
  sentinel = await SentinelServer.start(master.port);
  await until(async () => (await sentinel.knows('slaves')) === 1, { what: 'the sentinel to know the replica' });
});
afterAll(async () => {
  await sentinel.stop();
  await replica.stop();
  await master.stop();
});

it('follows a failover: what comes after it is accepted and run', async () => {
  const connection = connect(`redis+sentinel://127.0.0.1:${sentinel.port}/mymaster`);
  const broker = required(connection.broker);
  const seen = await consume(connection, { leaseDuration: 5_000, orphanInterval: 1_000 });
  const before = createMessage();
  await broker.publish([before]);
  await seen.arrived(1);
  await emptied(connection);
  await master.kill();
  const after = createMessage();
  await broker.publish([after], AbortSignal.timeout(40_000));
  await until(() => seen.deliveries.some((delivery) => delivery.message.id === after.id), {
    timeout: 40_000,
    what: 'the task',
  });
  expect((await replica.client.role())[0]).toBe('master');
  await connection.close(1_000);
}, 90_000);
