import type { Driver } from '@lovage/core/driver';
import { RedisConnection } from './redis-connection.ts';
import { redisSchemes } from './redis-url.ts';

/** BullMQ as the broker, and results, bus, leases and schedules on the same Redis: single, sentinel or cluster. */
export const redisDriver: Driver = {
  name: 'BullMQ on Redis',
  schemes: redisSchemes,
  connect: (url, context) => new RedisConnection(url, context),
};
