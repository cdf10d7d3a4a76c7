import { expect } from 'vitest';
import { sleep, systemClock } from '../../../clock.ts';
import type { ConformanceCase } from '../suite.ts';
import { ack, type BrokerBench } from './broker-bench.ts';

export const brokerOrderCases: readonly ConformanceCase<BrokerBench>[] = [
  {
    name: 'one slot runs messages first come first served',
    async run(bench) {
      const ids = await bench.publishMany(10);
      for (let index = 0; index < 5; index += 1) ids.push((await bench.publish()).id);
      ids.push(...(await bench.publishMany(5)));
      const probe = await bench.probe();
      await probe.arrived(20);
      expect(probe.ids()).toEqual(ids);
    },
  },
  {
    name: 'a higher priority runs sooner',
    async run(bench) {
      const order = [3, 0, 9, 1, 5, 0, 9];
      await bench.publishMany(order.length, (index) => ({ priority: order[index] as number }));
      const probe = await bench.probe();
      await probe.arrived(order.length);
      expect(probe.deliveries.map((delivery) => delivery.message.priority)).toEqual([9, 9, 5, 3, 1, 0, 0]);
    },
  },
  {
    name: 'messages of one priority run first come first served',
    async run(bench) {
      const ids = await bench.publishMany(12, (index) => ({ priority: index % 3 }));
      const probe = await bench.probe();
      await probe.arrived(12);
      const expected = [2, 1, 0].flatMap((priority) => ids.filter((_, index) => index % 3 === priority));
      expect(probe.ids()).toEqual(expected);
    },
  },
  {
    name: 'a message keeps its priority over a retry and a release',
    async run(bench) {
      const urgent = new Set(await bench.publishMany(2, () => ({ priority: 9 })));
      await bench.publishMany(3, () => ({ priority: 1 }));
      let first = true;
      const probe = await bench.probe({
        handle: async ({ message }) => {
          if (message.retries > 0 || !urgent.delete(message.id)) return ack;
          if (first) {
            first = false;
            return { kind: 'retryAt', at: Date.now() + 30, message: { ...message, retries: 1 } };
          }
          await sleep(systemClock, 200); // the only slot stays taken until the retry is due
          return { kind: 'release' };
        },
      });
      await probe.arrived(7);
      expect(probe.deliveries.map((delivery) => delivery.message.priority)).toEqual([9, 9, 9, 9, 1, 1, 1]);
    },
  },
  {
    name: 'a busy queue does not keep another one waiting',
    async run(bench) {
      await bench.publishMany(200, () => ({ queue: 'alpha' }));
      const lone = await bench.publish({ queue: 'beta' });
      const probe = await bench.probe({ queues: ['alpha', 'beta'], slots: 2 });
      await probe.arrived(201);
      expect(probe.ids().indexOf(lone.id)).toBeLessThan(100);
    },
  },
];
