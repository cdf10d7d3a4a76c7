import { expect } from 'vitest';
import { sleep, systemClock } from '../../clock.ts';
import { measureCapacity } from '../../inspect/capacity.ts';
import type { Scenario } from './scenario-bench.ts';

/** How loaded workers are, measured from another process. */
export const capacityScenarios: readonly Scenario[] = [
  {
    name: 'capacity: arrivals, service times and waits are measured from afar, over all workers of a queue',
    async run(bench) {
      const app = bench.app();
      const work = app.task('work', () => sleep(systemClock, 20));
      await bench.worker(app, { name: 'one', concurrency: 1 });
      await bench.worker(app, { name: 'two', concurrency: 1, queues: ['default', 'more'] });
      let measuring = true;
      const caller = async (): Promise<void> => {
        while (measuring) await work.call([], { timeout: '20s' });
      };
      const callers = Array.from({ length: 6 }, caller); // six calls under way, two slots
      const capacity = await measureCapacity(bench.app(), 'default', { over: '1s', timeout: '300ms', waitP95: '1h' });
      measuring = false;
      await Promise.all(callers);
      expect(capacity).toMatchObject({ queues: ['default', 'more'], workers: ['one', 'two'], slots: 2 });
      const seconds = capacity.over / 1000;
      expect(capacity.endRate * seconds).toBeGreaterThan(10);
      expect(Math.abs(capacity.arrivalRate - capacity.endRate) * seconds).toBeLessThanOrEqual(12.001);
      expect(capacity.serviceTime).toBeGreaterThan(18);
      const needed = (capacity.arrivalRate * (capacity.serviceTime as number)) / 1000;
      expect(capacity.load).toBeGreaterThanOrEqual(needed - 1e-6); // the larger of this and what was held
      expect(capacity.load).toBeLessThanOrEqual(Math.max(needed, capacity.slots * 1.25));
      expect(capacity.measured.mean).toBeGreaterThan(10); // four of six wait for those that run
      expect(capacity.measured.p95).toBeGreaterThan(10);
      expect(capacity.slotsNeeded).toBeGreaterThanOrEqual(1);
    },
  },
];
