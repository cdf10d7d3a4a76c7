import {
  brokerConformance,
  busConformance,
  type Harness,
  type HarnessNeeds,
  historyConformance,
  leaseConformance,
  rateLimiterConformance,
  resultBackendConformance,
  retentionConformance,
  revocationConformance,
  scheduleStoreConformance,
  semaphoreConformance,
  sharedRegistryConformance,
  uniqueKeyConformance,
  workflowConformance,
} from '@lovage/core/conformance';
import { newTaskId } from '@lovage/core/driver';
import { connect } from './bench.ts';
import { skipJoins } from './no-joins.ts';
import { injectRaw } from './raw-jobs.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

/** A prefix of its own on the file's redis.server. */
async function open(given: Partial<HarnessNeeds> = {}): Promise<Harness> {
  const prefix = `t${newTaskId()}`;
  const connections = [connect(redis.server.url, { prefix, ...given })] as const;
  const others: (typeof connections)[number][] = [];
  return {
    connection: connections[0],
    fastLease: { leaseDuration: 1_000, orphanInterval: 500 },
    another: async () => {
      const other = connect(redis.server.url, { prefix, ...given });
      others.push(other);
      return other;
    },
    loseLease: async (queue, id) => {
      await redis.server.client.del(`${prefix}:${queue}:${id}:lock`);
    },
    injectRaw: (queue, body) => injectRaw(redis.server, `${prefix}:${queue}`, body),
    close: async () => {
      await Promise.all([...connections, ...others].map((connection) => connection.close(2_000)));
    },
  };
}

brokerConformance('redis', { open, skip: skipJoins('BullMQ acks each job in a script of its own') });
resultBackendConformance('redis', { open });
busConformance('redis', { open });
uniqueKeyConformance('redis', { open });
sharedRegistryConformance('redis', { open });
historyConformance('redis', { open });
leaseConformance('redis', { open });
revocationConformance('redis', { open });
retentionConformance('redis', { open });
rateLimiterConformance('redis', { open });
scheduleStoreConformance('redis', { open });
semaphoreConformance('redis', { open });
workflowConformance('redis', { open });
