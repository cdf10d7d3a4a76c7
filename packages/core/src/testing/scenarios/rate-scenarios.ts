import { expect } from 'vitest';
import type { Lovage } from '../../app/app.ts';
import { sleep, systemClock } from '../../clock.ts';
import { Inspector } from '../../inspect/inspector.ts';
import { until } from '../until.ts';
import type { Scenario } from './scenario-bench.ts';

const timeout = '20s';

/** How many calls of one task are sent by `delayMany`: arguments 0, 1, 2 … */
function upTo(count: number): [number][] {
  return Array.from({ length: count }, (_, index) => [index]);
}

async function idle(app: Lovage, ends: () => number, count: number): Promise<void> {
  await until(async () => ends() === count, { what: `${count} calls of ${app.name} over`, timeout: 30_000 });
}

/** Rate limits, whatever becomes of the calls that wait for them. */
export const rateScenarios: readonly Scenario[] = [
  {
    name: 'calls that were purged cost the rate limit of their task nothing',
    async run(bench) {
      const app = bench.app();
      const starts: number[] = [];
      const limited = app.task({ name: 'limited', rateLimit: '2/s' }, (n: number) => void starts.push(n));
      await bench.worker(app);
      await limited.delayMany(upTo(600));
      await until(() => starts.length > 0, { what: 'the first start' });
      await new Inspector(app).purge('default');
      const begun = performance.now();
      await limited.call([1_000], { timeout });
      expect(performance.now() - begun).toBeLessThan(5_000); // 300 s when each keeps its moment
      expect(starts.slice(-1)).toEqual([1_000]);
    },
  },
  {
    name: 'calls that were revoked cost the rate limit of their task nothing',
    async run(bench) {
      const app = bench.app();
      const limited = app.task({ name: 'limited', rateLimit: '2/s' }, (n: number) => n);
      await bench.worker(app);
      const sent = await limited.delayMany(upTo(60));
      await sent[0]?.get({ timeout });
      await Promise.all(sent.slice(1).map((result) => result.revoke()));
      const begun = performance.now();
      expect(await limited.call([1_000], { timeout })).toBe(1_000);
      expect(performance.now() - begun).toBeLessThan(5_000); // 30 s when each keeps its moment
    },
  },
  {
    name: 'a rate that is raised or lifted reaches the calls that wait',
    async run(bench) {
      const app = bench.app();
      let starts = 0;
      const limited = app.task({ name: 'limited', rateLimit: '1/h' }, (_: number) => void starts++);
      await bench.worker(app, { name: 'one' });
      await limited.delayMany(upTo(30));
      await until(() => starts === 1, { what: 'the first start' });
      await app.control.rateLimit('limited', '20/s');
      await until(() => starts >= 10, { what: 'starts at the new rate' });
      await app.control.rateLimit('limited', null);
      await idle(app, () => starts, 30);
    },
  },
  {
    name: 'a saturated rate limit keeps its rate while calls that wait expire',
    async run(bench) {
      const app = bench.app();
      const starts: number[] = [];
      const limited = app.task(
        { name: 'limited', rateLimit: '10/s' },
        (_: number) => void starts.push(performance.now()),
      );
      await bench.worker(app);
      let sent = 0;
      const begun = performance.now();
      while (performance.now() - begun < 4_000) {
        await limited.applyAsync([sent++], { expires: '500ms' });
        await sleep(systemClock, 50); // twice the rate
      }
      const late = starts.filter((at) => at - begun > 2_000 && at - begun < 4_000).length;
      expect(late).toBeGreaterThanOrEqual(14); // of 20; none when the expired keep their moments
      expect(starts.length).toBeLessThanOrEqual(48);
    },
  },
  {
    name: 'rate-limited calls start in the order in which they were made, higher priorities first',
    async run(bench) {
      const app = bench.app();
      const starts: number[] = [];
      const limited = app.task({ name: 'limited', rateLimit: '50/s' }, (n: number) => void starts.push(n));
      await bench.worker(app, { concurrency: 1 });
      await limited.delayMany(upTo(25));
      await idle(app, () => starts.length, 25);
      expect(starts).toEqual(upTo(25).flat());
      starts.length = 0;
      await app.control.rateLimit('limited', '2/s');
      await Promise.all(upTo(4).map(([n]) => limited.delay(n)));
      await limited.applyAsync([9], { priority: 9 });
      await app.control.rateLimit('limited', '20/s');
      await idle(app, () => starts.length, 5);
      expect(starts.indexOf(9)).toBeLessThan(4);
    },
  },
  {
    name: 'a backlog of rate-limited calls is not in the way of other tasks of its queue',
    async run(bench) {
      const app = bench.app();
      let starts = 0;
      const limited = app.task({ name: 'limited', rateLimit: '5/s' }, (_: number) => void starts++);
      const free = app.task('free', () => starts);
      await limited.delayMany(upTo(2_000));
      const result = await free.delay();
      const worker = await bench.worker(app, { concurrency: 1 });
      await result.get({ timeout });
      expect(worker.report().counts.other).toBeLessThan(20); // 2,000 deliveries moved aside when they stand in the queue
    },
  },
];
