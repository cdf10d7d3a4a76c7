import type { Driver } from '@lovage/core/driver';
import { AmqpConnection } from './amqp/amqp-connection.ts';
import { amqpSchemes } from './amqp/amqp-url.ts';
import { RedisConnection } from './redis/redis-connection.ts';
import { redisSchemes } from './redis/redis-url.ts';

/** Celery's own protocol on Redis: TypeScript and Python workers share queues, results and canvases. */
export const celeryRedisDriver: Driver = {
  name: 'Celery on Redis',
  schemes: redisSchemes,
  connect: (url, context) => new RedisConnection(url, context),
};

/** The same on RabbitMQ, with results in their callers' queues (RPC), or in Redis. */
export const celeryAmqpDriver: Driver = {
  name: 'Celery on RabbitMQ',
  schemes: amqpSchemes,
  connect: (url, context) => new AmqpConnection(url, context),
};
