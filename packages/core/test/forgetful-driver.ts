import type { Driver } from '../src/driver/driver.ts';
import { memoryDriver } from '../src/driver/memory/memory-driver.ts';

/**
 * The memory driver in a world where processes die between two steps: some leaves have their effect and nobody hears who
 * is in now, some are never asked for, and some promotions are not either. Only whoever looks afterwards can find out.
 */
export function createForgetfulDriver(luck: number, lossRate: number, lookedAfter = true): Driver {
  let state = luck >>> 0;
  const lost = (): boolean => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 < lossRate;
  };
  return {
    name: 'forgetful memory',
    schemes: ['forgetful'],
    connect(url, context) {
      const connection = memoryDriver.connect(url.replace('forgetful:', 'memory:'), context);
      const { semaphore, broker } = connection;
      if (!semaphore || !broker) throw new Error('memory has both');
      const forgetful = {
        semaphore: {
          acquire: semaphore.acquire.bind(semaphore),
          release: async (places, only) => {
            if (lost()) return [];
            const acquired = await semaphore.release(places, only);
            return lost() ? [] : acquired;
          },
          halt: semaphore.halt.bind(semaphore),
          halted: semaphore.halted.bind(semaphore),
          has: semaphore.has.bind(semaphore),
          waitingList: semaphore.waitingList.bind(semaphore),
          overdue: async (look) => (lookedAfter ? semaphore.overdue(look) : undefined),
        } satisfies typeof semaphore,
        broker: {
          publish: broker.publish.bind(broker),
          consume: broker.consume.bind(broker),
          close: broker.close.bind(broker),
          unblock: async (held) => (lost() ? held.map(() => true) : ((await broker.unblock?.(held)) ?? [])),
        } satisfies typeof broker,
      };
      return new Proxy(connection, {
        get: (target, name) => {
          if (name === 'semaphore' || name === 'broker') return forgetful[name];
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    },
  };
}
