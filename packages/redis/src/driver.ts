import type { Driver } from '@lovage/core/driver';
import { redisAccess } from './access/redis-access.ts';
import { BullmqBroker } from './bullmq/broker.ts';
import { sweepFailedJobs } from './bullmq/failed-jobs.ts';
import { RedisMonitor } from './monitor/redis-monitor.ts';
import { type BrokerKit, RedisConnection } from './redis-connection.ts';
import { redisSchemes, streamsSchemes } from './redis-url.ts';
import { StreamsBroker } from './streams/broker.ts';
import { StreamsMonitor } from './streams/inspect/monitor.ts';
import { assertVersion } from './streams/version.ts';

const bullmqKit: BrokerKit = {
  queues: 'jobs',
  createBroker: (parts) => new BullmqBroker(parts),
  createMonitor: ({ link, keys }) => new RedisMonitor(link, keys),
  sweepFailed: ({ link, keys, retention }, queue) => sweepFailedJobs(link, keys, retention, queue),
};

const streamsKit: BrokerKit = {
  queues: 'streams',
  acksWithJoin: true,
  createBroker: (parts) => new StreamsBroker(parts),
  createMonitor: ({ link, keys }) => new StreamsMonitor(link, keys),
  assertServer: assertVersion,
};

/** BullMQ as the broker, and results, bus, leases and schedules on the same Redis: single, sentinel or cluster. */
export const redisDriver: Driver = {
  name: 'BullMQ on Redis',
  schemes: redisSchemes,
  connect: (url, context) => new RedisConnection(url, context, bullmqKit),
  access: (url, request) => redisAccess(url, request, false),
};

/** Redis Streams as the broker, and the rest as {@link redisDriver}: several times its throughput. */
export const streamsDriver: Driver = {
  name: 'Redis Streams',
  schemes: streamsSchemes,
  connect: (url, context) => new RedisConnection(url, context, streamsKit),
  access: (url, request) => redisAccess(url, request, true),
};
