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
  scenarios,
  scheduleStoreConformance,
  semaphoreConformance,
  sharedRegistryConformance,
  uniqueKeyConformance,
  workflowConformance,
} from '@lovage/core/conformance';
import { newTaskId } from '@lovage/core/driver';
import { connectStreams, injectEntry, loseLease, streamsUrl } from './streams-bench.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

/** A prefix of its own on the file's redis.server. */
async function open(given: Partial<HarnessNeeds> = {}): Promise<Harness> {
  const prefix = `t${newTaskId()}`;
  const all = [connectStreams(redis.server, { prefix, ...given })];
  return {
    connection: all[0] as (typeof all)[number],
    fastLease: { leaseDuration: 1_000, orphanInterval: 500 },
    another: async () => {
      const other = connectStreams(redis.server, { prefix, ...given });
      all.push(other);
      return other;
    },
    loseLease: (queue, id) => loseLease(redis.server, { prefix, queue }, id),
    injectRaw: (queue, body) => injectEntry(redis.server, { prefix, queue }, body),
    close: async () => {
      await Promise.all(all.map((connection) => connection.close(2_000)));
    },
  };
}

brokerConformance('redis+streams', { open });
resultBackendConformance('redis+streams', { open });
busConformance('redis+streams', { open });
uniqueKeyConformance('redis+streams', { open });
sharedRegistryConformance('redis+streams', { open });
historyConformance('redis+streams', { open });
leaseConformance('redis+streams', { open });
revocationConformance('redis+streams', { open });
retentionConformance('redis+streams', { open });
rateLimiterConformance('redis+streams', { open });
scheduleStoreConformance('redis+streams', { open });
workflowConformance('redis+streams', { open });
semaphoreConformance('redis+streams', { open });

scenarios('redis+streams', {
  open: async () => {
    const prefix = `t${newTaskId()}`;
    return {
      options: { broker: streamsUrl(redis.server), prefix },
      fastLease: { lockDuration: 1_000, stalledInterval: 500 },
      loseLease: (queue, id) => loseLease(redis.server, { prefix, queue }, id),
      injectRaw: (queue, body) => injectEntry(redis.server, { prefix, queue }, body),
      close: async () => {},
    };
  },
});
