import { expect, it } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import { runtimeOf } from '../src/app/app-runtime.ts';
import type { Bus } from '../src/driver/bus.ts';
import { silentLogger } from '../src/logger.ts';
import { createTestClock } from '../src/testing/test-clock.ts';
import { deferred, until } from '../src/testing/until.ts';
import { startWorker } from '../src/worker/start-worker.ts';

it('a worker whose bus is late obeys once it is there, and not any more when it has closed', async () => {
  const clock = createTestClock();
  const app = new Lovage('late', { broker: 'memory://', logger: silentLogger, clock });
  const bus = (await runtimeOf(app).stores.open()).bus as Bus;
  const subscribe = bus.subscribe.bind(bus);
  const gates = [deferred(), deferred()];
  let asked = 0;
  Object.assign(bus, {
    async subscribe(...given: Parameters<Bus['subscribe']>) {
      if (given[0] === 'control') await gates[asked++]?.promise;
      return subscribe(...given);
    },
  });
  const start = async (name: string) => {
    const starting = startWorker(app, { name });
    const before = asked;
    await until(() => asked > before, { what: 'the subscription' });
    await clock.advance(5_000);
    return starting;
  };
  const ping = async () => {
    const asking = app.inspect.ping({ timeout: 100 });
    await clock.advance(100);
    return asking;
  };
  const [first, second] = [await start('first'), await start('second')];
  gates[0]?.resolve();
  expect(await ping()).toEqual({ first: 'pong' });
  await Promise.all([first.close(), second.close()]);
  gates[1]?.resolve();
  expect(await ping()).toEqual({});
  await app.close();
});
