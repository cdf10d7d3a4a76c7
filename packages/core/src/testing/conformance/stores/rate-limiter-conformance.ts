import { expect } from 'vitest';
import { sleep, systemClock } from '../../../clock.ts';
import { type RateCandidate, type RateLimiter, type RatePlace, rateTimes } from '../../../driver/rate-limiter.ts';
import { until } from '../../until.ts';
import type { ConformanceOptions, Harness } from '../harness.ts';
import { type ConformanceCase, declareSuite } from '../suite.ts';

/**
 * The exam of a {@link RateLimiter} that keeps waiting lines. Call it at the top of a vitest file, as {@link brokerConformance};
 * the harness's connection needs `limits` only.
 */
export function rateLimiterConformance(driver: string, options: ConformanceOptions): void {
  const createBench = (harness: Harness): RateBench => new RateBench(harness);
  declareSuite({ seam: 'rate limiter', createBench, cases: rateCases }, driver, options);
}

/** Long enough that no moment comes while a case runs. */
const hour = 3_600_000;

class RateBench {
  readonly harness: Harness;

  constructor(harness: Harness) {
    this.harness = harness;
  }

  get limits(): RateLimiter {
    expect(this.harness.connection.limits, 'the harness must give a rate limiter').toBeDefined();
    return this.harness.connection.limits as RateLimiter;
  }

  async start(id: string, interval: number, fields: Partial<RateCandidate> = {}): Promise<RatePlace> {
    const candidates = [{ queue: 'alpha', id, priority: 0, ...fields }];
    const { places } = await this.limits.enter('task', { interval, candidates, publishing: false });
    return places[0] as RatePlace;
  }

  async publish(ids: readonly string[], interval: number): Promise<readonly RatePlace[]> {
    const candidates = ids.map((id) => ({ queue: 'alpha', id, priority: 0 }));
    return (await this.limits.enter('task', { interval, candidates, publishing: true })).places;
  }

  async line(): Promise<readonly string[]> {
    return (await this.limits.first('task', 100)).map(({ id }) => id);
  }

  /** Wakes until so many were woken. */
  async woken(count: number, interval: number, worker = 'one'): Promise<readonly string[]> {
    const ids: string[] = [];
    const wake = async (): Promise<boolean> => {
      const { entries } = await this.limits.wake('task', { interval, worker });
      for (const { id } of entries) ids.push(id);
      return ids.length >= count;
    };
    await until(wake, { what: `${count} woken messages` });
    return ids;
  }
}

const rateCases: readonly ConformanceCase<RateBench>[] = [
  {
    name: 'the first may start, the others stand in line, by priority and then in order',
    async run(bench) {
      expect(await bench.start('a', hour)).toMatchObject({ free: true, wait: 0 });
      const b = await bench.start('b', hour);
      expect(b.free).toBe(false);
      expect(b.wait).toBeGreaterThan(hour - 60_000);
      await bench.start('c', hour);
      const urgent = await bench.start('d', hour, { priority: 9 });
      expect(urgent.order).toBeLessThan(b.order);
      expect(await bench.line()).toEqual(['d', 'b', 'c']);
      expect((await bench.start('c', hour)).wait).toBeGreaterThan(3 * hour - 60_000);
      expect(await bench.line()).toEqual(['d', 'b', 'c']);
    },
  },
  {
    name: 'a message that comes back takes its place of before, also when the line has forgotten it',
    async run(bench) {
      await bench.start('a', hour);
      const b = await bench.start('b', hour);
      await bench.start('c', hour);
      await bench.limits.drop('task', hour, [{ queue: 'alpha', id: 'b' }]);
      expect(await bench.line()).toEqual(['c']);
      expect(await bench.start('b', hour, { order: b.order })).toMatchObject({ free: false, order: b.order });
      expect(await bench.line()).toEqual(['b', 'c']);
    },
  },
  {
    name: 'what is published goes to its queue where there is no line, and else waits',
    async run(bench) {
      const [first, second] = await bench.publish(['a', 'b'], hour);
      expect([first?.free, second?.free]).toEqual([true, false]);
      expect(await bench.line()).toEqual(['b']);
      expect((await bench.publish(['c'], hour))[0]?.free).toBe(false);
      expect(await bench.start('a', hour, { order: first?.order })).toMatchObject({ free: true });
      expect(await bench.line()).toEqual(['b', 'c']);
    },
  },
  {
    name: 'woken messages start in order, not faster than the rate',
    async run(bench) {
      const begun = performance.now();
      expect((await bench.start('a', 50)).free).toBe(true);
      for (const id of ['b', 'c', 'd']) expect((await bench.start(id, 50)).free).toBe(false);
      for (const id of ['b', 'c', 'd']) {
        expect(await bench.woken(1, 50)).toEqual([id]);
        expect((await bench.start(id, 50)).free).toBe(true);
      }
      expect(performance.now() - begun).toBeGreaterThan(145);
      expect(await bench.limits.wake('task', { interval: 50, worker: 'one' })).toEqual({
        entries: [],
        next: undefined,
      });
    },
  },
  {
    name: 'the moment of a woken message that is gone goes to the next',
    async run(bench) {
      await bench.start('a', 300);
      for (const id of ['b', 'c']) await bench.start(id, 300);
      expect(await bench.woken(1, 300)).toEqual(['b']);
      const begun = performance.now();
      await bench.limits.drop('task', 300, [{ queue: 'alpha', id: 'b' }]);
      expect(await bench.woken(1, 300)).toEqual(['c']);
      expect(performance.now() - begun).toBeLessThan(250);
    },
  },
  {
    name: 'a changed rate counts from the last start',
    async run(bench) {
      await bench.start('a', hour);
      for (const id of ['b', 'c', 'd']) await bench.start(id, hour);
      expect(await bench.limits.wake('task', { interval: hour, worker: 'one' })).toMatchObject({ entries: [] });
      expect(await bench.woken(1, 1)).toContain('b');
      expect((await bench.start('b', 1)).free).toBe(true);
      await until(async () => (await bench.line()).length === 0 || (await bench.woken(1, 0)).length > 0, {
        what: 'the lifted limit lets all go',
      });
    },
  },
  {
    name: 'one worker wakes at a time; another takes over when it is gone',
    async run(bench) {
      await bench.start('a', 1);
      await sleep(systemClock, 5);
      const all = ['b', 'c', 'd', 'e', 'f'];
      await bench.start('x', hour);
      for (const id of all) await bench.start(id, hour);
      const interval = hour;
      await bench.limits.wake('task', { interval, worker: 'one' });
      const refused = await bench.limits.wake('task', { interval: 1, worker: 'two' });
      expect(refused.entries).toEqual([]);
      expect(refused.next).toBeLessThanOrEqual(rateTimes.longestPause + rateTimes.lease + 10);
      const begun = performance.now();
      expect((await bench.woken(1, 1, 'two')).length).toBeGreaterThan(0);
      expect(performance.now() - begun).toBeLessThan(rateTimes.longestPause + rateTimes.lease + 3_000);
    },
  },
];
