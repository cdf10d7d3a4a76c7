import type { Driver } from '@lovage/core/driver';
import { RedisConnection } from './redis/redis-connection.ts';
import { redisSchemes } from './redis/redis-url.ts';

/** Celery's own protocol on Redis: TypeScript and Python workers share queues, results and canvases. */
export const celeryRedisDriver: Driver = {
  name: 'Celery on Redis',
  schemes: redisSchemes,
  connect: (url, context) => new RedisConnection(url, context),
};
