import { newTaskId } from '@lovage/core/driver';
import { scenarios } from '@lovage/core/testing';
import { afterAll, beforeAll } from 'vitest';
import { redisDriver } from '../src/index.ts';
import { injectRaw } from './raw-jobs.ts';
import { RedisServer } from './redis-server.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

scenarios('redis', {
  open: async () => {
    const prefix = `t${newTaskId()}`;
    return {
      options: { broker: server.url, drivers: [redisDriver], prefix },
      fastLease: { lockDuration: 1_000, stalledInterval: 500 },
      loseLease: async (queue, id) => {
        await server.client.del(`${prefix}:${queue}:${id}:lock`);
      },
      injectRaw: (queue, body) => injectRaw(server, `${prefix}:${queue}`, body),
      close: async () => {}, // the prefix goes with the server
    };
  },
});
