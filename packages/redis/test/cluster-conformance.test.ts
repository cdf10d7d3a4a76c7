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
import { newTaskId, systemClock } from '@lovage/core/driver';
import { afterAll, beforeAll } from 'vitest';
import { redisDriver, streamsDriver } from '../src/index.ts';
import { skipJoins } from './no-joins.ts';
import { injectRaw } from './raw-jobs.ts';
import { RedisCluster } from './redis-cluster.ts';
import { injectEntry, loseLease, silent } from './streams-bench.ts';

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await RedisCluster.start(0);
}, 40_000);
afterAll(() => cluster.stop());

interface Exam {
  readonly name: string;
  readonly driver: typeof redisDriver;
  readonly scheme: string;
  readonly loseLease: (prefix: string, queue: string, id: string) => Promise<void>;
  readonly injectRaw: (prefix: string, queue: string, body: string) => Promise<void>;
}

const exams: readonly Exam[] = [
  {
    name: 'redis+streams+cluster',
    driver: streamsDriver,
    scheme: 'redis+streams+cluster',
    loseLease: (prefix, queue, id) => loseLease(cluster, { prefix, queue, cluster: true }, id),
    injectRaw: (prefix, queue, body) => injectEntry(cluster, { prefix, queue, cluster: true }, body),
  },
  {
    name: 'redis+cluster',
    driver: redisDriver,
    scheme: 'redis+cluster',
    loseLease: async (prefix, queue, id) => void (await cluster.client.del(`${prefix}:{${queue}}:${id}:lock`)),
    injectRaw: (prefix, queue, body) => injectRaw(cluster, `${prefix}:{${queue}}`, body),
  },
];

/** Scenarios, and BullMQ's broker cases, which its own cluster support covers, take three minutes: they are run by hand. */
const whole = process.env['LOVAGE_WHOLE_EXAM'] === '1';

for (const exam of exams) {
  const { name, driver, scheme } = exam;
  const connect = (prefix: string, given: Partial<HarnessNeeds> = {}) =>
    driver.connect(cluster.url(scheme), {
      clock: systemClock,
      logger: silent,
      prefix,
      connection: { socketTimeout: 15_000, connectTimeout: 5_000 },
      publishTimeout: 5_000,
      ...given,
    });
  const open = async (given: Partial<HarnessNeeds> = {}): Promise<Harness> => {
    const prefix = `t${newTaskId()}`;
    const all = [connect(prefix, given)];
    return {
      connection: all[0] as (typeof all)[number],
      fastLease: { leaseDuration: 1_000, orphanInterval: 500 },
      another: async () => {
        const other = connect(prefix, given);
        all.push(other);
        return other;
      },
      loseLease: (queue, id) => exam.loseLease(prefix, queue, id),
      injectRaw: (queue, body) => exam.injectRaw(prefix, queue, body),
      close: async () => {
        await Promise.all(all.map((connection) => connection.close(2_000)));
      },
    };
  };
  if (whole || driver === streamsDriver)
    brokerConformance(name, { open, skip: skipJoins('a group has a slot of its own') });
  resultBackendConformance(name, { open });
  busConformance(name, { open });
  uniqueKeyConformance(name, { open });
  sharedRegistryConformance(name, { open });
  historyConformance(name, { open });
  retentionConformance(name, { open });
  semaphoreConformance(name, { open });
  leaseConformance(name, { open });
  revocationConformance(name, { open });
  rateLimiterConformance(name, { open });
  scheduleStoreConformance(name, { open });
  workflowConformance(name, { open });
  if (!whole) continue;
  scenarios(name, {
    open: async () => {
      const prefix = `t${newTaskId()}`;
      return {
        options: { broker: cluster.url(scheme), prefix },
        fastLease: { lockDuration: 1_000, stalledInterval: 500 },
        loseLease: (queue, id) => exam.loseLease(prefix, queue, id),
        injectRaw: (queue, body) => exam.injectRaw(prefix, queue, body),
        close: async () => {},
      };
    },
  });
}
