import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/clock.ts';
import {
  type ConformanceOptions,
  leaseConformance,
  rateLimiterConformance,
  revocationConformance,
  scheduleStoreConformance,
  semaphoreConformance,
  sharedRegistryConformance,
  uniqueKeyConformance,
} from '../src/conformance.ts';
import { coordinate } from '../src/driver/coordination.ts';
import type { Connection } from '../src/driver/driver.ts';
import { memoryDriver } from '../src/driver/memory/memory-driver.ts';
import { silentLogger } from '../src/logger.ts';
import { newTaskId } from '../src/message/task-id.ts';
import { FileCoordination } from './file-coordination.ts';

const context = {
  clock: systemClock,
  logger: silentLogger,
  prefix: undefined,
  connection: { socketTimeout: 1000, connectTimeout: 1000 },
  publishTimeout: 1000,
};

/** Messages and results are the memory driver's; all that has a default is core's, over files that every connection shares. */
const options: ConformanceOptions = {
  open: async (given) => {
    const folder = await mkdtemp(join(tmpdir(), 'lovage-coordination-'));
    const url = `memory://${newTaskId()}`;
    const opened: Connection[] = [];
    const open = async (): Promise<Connection> => {
      const memory = memoryDriver.connect(url, { ...context, ...given });
      opened.push(memory);
      const { display, broker, results, monitor } = memory as Required<Connection>; // the memory driver has them all
      return {
        ...{ display, broker, results, monitor, acksWithOutcome: true },
        ...coordinate(new FileCoordination(folder), systemClock),
        check: (timeout) => memory.check(timeout),
        close: (deadline) => memory.close(deadline),
      };
    };
    return {
      connection: await open(),
      fastLease: { leaseDuration: 100, orphanInterval: 40 },
      another: open,
      close: async () => {
        await Promise.all(opened.map((connection) => connection.close(1000)));
        await rm(folder, { recursive: true });
      },
    };
  },
};

leaseConformance('files', options);
uniqueKeyConformance('files', options);
sharedRegistryConformance('files', options);
revocationConformance('files', options);
scheduleStoreConformance('files', options);
rateLimiterConformance('files', options);
semaphoreConformance('files', options);
