import { newTaskId } from '@lovage/core/driver';
import {
  brokerConformance,
  busConformance,
  type Harness,
  leaseConformance,
  resultBackendConformance,
  scheduleStoreConformance,
} from '@lovage/core/testing';
import { afterAll, beforeAll } from 'vitest';
import { connect } from './bench.ts';
import { RedisServer } from './redis-server.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

/** A prefix of its own on the file's server. */
async function open(): Promise<Harness> {
  const prefix = `t${newTaskId()}`;
  const connections = [connect(server.url, { prefix })] as const;
  const others: (typeof connections)[number][] = [];
  return {
    connection: connections[0],
    fastLease: { leaseDuration: 1_000, orphanInterval: 500 },
    another: async () => {
      const other = connect(server.url, { prefix });
      others.push(other);
      return other;
    },
    loseLease: async (queue, id) => {
      await server.client.del(`${prefix}:${queue}:${id}:lock`);
    },
    injectRaw: (queue, body) => injectRaw(`${prefix}:${queue}`, body),
    close: async () => {
      await Promise.all([...connections, ...others].map((connection) => connection.close(2_000)));
    },
  };
}

/** A job as a broken producer on BullMQ would leave it: `body` is its data, the job's id and name are what it says. */
async function injectRaw(queue: string, body: string): Promise<void> {
  const id = /"id":"([^"]*)"/.exec(body)?.[1] ?? (body.startsWith('{"v"') ? '' : newTaskId());
  const task = /"task":"([^"]*)"/.exec(body)?.[1] ?? 'some.task';
  const fields = { name: task, data: body, opts: '{}', timestamp: Date.now(), delay: 0, priority: 0 };
  await server.client
    .multi()
    .hset(`${queue}:${id}`, fields)
    .lpush(`${queue}:wait`, id)
    .zadd(`${queue}:marker`, 0, '0')
    .exec();
}

brokerConformance('redis', { open });
resultBackendConformance('redis', { open });
busConformance('redis', { open });
leaseConformance('redis', { open });
scheduleStoreConformance('redis', { open });
