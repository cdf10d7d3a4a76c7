import { scenarios } from '@lovage/core/conformance';
import { newTaskId } from '@lovage/core/driver';
import { redisDriver } from '../src/index.ts';
import { injectRaw } from './raw-jobs.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

scenarios('redis', {
  open: async () => {
    const prefix = `t${newTaskId()}`;
    return {
      options: { broker: redis.server.url, drivers: [redisDriver], prefix },
      fastLease: { lockDuration: 1_000, stalledInterval: 500 },
      loseLease: async (queue, id) => {
        await redis.server.client.del(`${prefix}:${queue}:${id}:lock`);
      },
      injectRaw: (queue, body) => injectRaw(redis.server, `${prefix}:${queue}`, body),
      close: async () => {}, // the prefix goes with the redis.server
    };
  },
});
