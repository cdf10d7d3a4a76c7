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
      const { admission, broker } = connection;
      if (!admission || !broker) throw new Error('memory has both');
      const forgetful = {
        admission: {
          enter: admission.enter.bind(admission),
          leave: async (places, only) => {
            if (lost()) return [];
            const admitted = await admission.leave(places, only);
            return lost() ? [] : admitted;
          },
          halt: admission.halt.bind(admission),
          halted: admission.halted.bind(admission),
          knows: admission.knows.bind(admission),
          line: admission.line.bind(admission),
          overdue: async (look) => (lookedAfter ? admission.overdue(look) : undefined),
        } satisfies typeof admission,
        broker: {
          publish: broker.publish.bind(broker),
          consume: broker.consume.bind(broker),
          close: broker.close.bind(broker),
          promote: async (held) => (lost() ? held.map(() => true) : ((await broker.promote?.(held)) ?? [])),
        } satisfies typeof broker,
      };
      return new Proxy(connection, {
        get: (target, name) => {
          if (name === 'admission' || name === 'broker') return forgetful[name];
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    },
  };
}
