import { systemClock } from '../src/clock.ts';
import {
  brokerConformance,
  busConformance,
  type ConformanceOptions,
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
} from '../src/conformance.ts';
import { memoryDriver } from '../src/driver/memory/memory-driver.ts';
import { silentLogger } from '../src/logger.ts';
import { newTaskId } from '../src/message/task-id.ts';
import { injectRaw, loseLease } from '../src/testing.ts';

const context = {
  clock: systemClock,
  logger: silentLogger,
  prefix: undefined,
  connection: { socketTimeout: 1000, connectTimeout: 1000 },
  publishTimeout: 1000,
};

const options: ConformanceOptions = {
  open: async (given) => {
    const url = `memory://${newTaskId()}`;
    const connection = memoryDriver.connect(url, { ...context, ...given });
    const others = [connection];
    return {
      connection,
      fastLease: { leaseDuration: 100, orphanInterval: 40 },
      another: async () => {
        const other = memoryDriver.connect(url, { ...context, ...given });
        others.push(other);
        return other;
      },
      loseLease: async (_queue, id) => loseLease(connection, id),
      injectRaw: async (queue, body) => injectRaw(connection, queue, body),
      close: async () => {
        await Promise.all(others.map((other) => other.close(1000)));
      },
    };
  },
};

brokerConformance('memory', {
  ...options,
  skip: {
    'polls are counted while there is a slot to fill, by queue': 'messages are handed to it, it asks nobody',
    'a lease guard renews what its consumer holds, and nothing else': 'the store shares its event loop',
  },
});
resultBackendConformance('memory', options);
busConformance('memory', options);
uniqueKeyConformance('memory', options);
sharedRegistryConformance('memory', options);
historyConformance('memory', options);
leaseConformance('memory', options);
revocationConformance('memory', options);
retentionConformance('memory', options);
rateLimiterConformance('memory', options);
scheduleStoreConformance('memory', options);
workflowConformance('memory', options);
semaphoreConformance('memory', options);
