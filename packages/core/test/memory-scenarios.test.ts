import { systemClock } from '../src/clock.ts';
import { scenarios } from '../src/conformance.ts';
import { memoryDriver } from '../src/driver/memory/memory-driver.ts';
import { silentLogger } from '../src/logger.ts';
import { newTaskId } from '../src/message/task-id.ts';
import { injectRaw, loseLease } from '../src/testing.ts';

scenarios('memory', {
  open: async () => {
    const broker = `memory://${newTaskId()}`;
    const connection = memoryDriver.connect(broker, {
      clock: systemClock,
      logger: silentLogger,
      prefix: undefined,
      connection: { socketTimeout: 1000, connectTimeout: 1000 },
      publishTimeout: 1000,
    });
    return {
      options: { broker },
      fastLease: { lockDuration: 200, stalledInterval: 50 },
      loseLease: async (_queue, id) => loseLease(connection, id),
      injectRaw: async (queue, body) => injectRaw(connection, queue, body),
      close: () => connection.close(1000),
    };
  },
});
