import { expect, it } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import type { Broker, Deliver } from '../src/driver/broker.ts';
import type { Driver } from '../src/driver/driver.ts';
import { memoryDriver } from '../src/driver/memory/memory-driver.ts';
import { silentLogger } from '../src/logger.ts';
import { createTestClock, until } from '../src/testing.ts';
import { startWorker } from '../src/worker.ts';

/** The memory driver with workers that die in the moment after each settlement: they do nothing behind it. */
const mortalDriver: Driver = {
  ...memoryDriver,
  name: 'mortal memory',
  schemes: ['mortal'],
  connect(url, context) {
    const connection = memoryDriver.connect(url.replace('mortal:', 'memory:'), context);
    const broker = connection.broker as Broker;
    const consume: Broker['consume'] = (request, deliver) => broker.consume(request, mortal(deliver));
    return { ...partsOf(connection), broker: { ...partsOf(broker), consume } };
  },
};

function mortal(deliver: Deliver): Deliver {
  return (delivery) => deliver({ ...partsOf(delivery), onSettled: () => {} });
}

/** An object's members, its class's too, on a plain one. */
function partsOf<T extends object>(given: T): T {
  return new Proxy({} as T, {
    ownKeys: () => [...new Set([...Object.keys(given), ...Object.getOwnPropertyNames(Object.getPrototypeOf(given))])],
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    get: (_, name) => {
      const value: unknown = Reflect.get(given, name, given);
      return typeof value === 'function' ? value.bind(given) : value;
    },
  });
}

it('a key stays closed behind a failure whose worker died after it was settled', async () => {
  const clock = createTestClock();
  const app = new Lovage('halts', { broker: 'mortal://', drivers: [mortalDriver], logger: silentLogger, clock });
  const ran: string[] = [];
  const work = app.task({ name: 'work', orderingKey: () => 'all', orderingPolicy: 'halt' }, (how: string) => {
    ran.push(how);
    if (how === 'fail') throw new Error('broken');
  });
  await startWorker(app);
  const [failed] = await work.delayMany([['fail'], ['next']]);
  await until(async () => (await failed?.state()) === 'FAILURE', { what: 'the failure' });
  for (let second = 0; second < 20; second += 1) await clock.advance(1_000); // others look after what was left
  expect(ran).toEqual(['fail']);
  expect(await app.control.haltedKeys()).toMatchObject([{ task: 'work', key: 'all', failed: failed?.id }]);
  const closing = app.close();
  await clock.advance(1_000);
  await closing;
});
