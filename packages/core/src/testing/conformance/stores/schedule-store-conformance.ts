import { expect } from 'vitest';
import type { ScheduleEntry, ScheduleStore } from '../../../driver/schedule-store.ts';
import type { ConformanceOptions, Harness } from '../harness.ts';
import { type ConformanceCase, declareSuite } from '../suite.ts';

/**
 * The exam of a {@link ScheduleStore}. Call it at the top of a vitest file, as {@link brokerConformance}; the harness's
 * connection needs `schedules` only.
 */
export function scheduleStoreConformance(driver: string, options: ConformanceOptions): void {
  const createBench = (harness: Harness): ScheduleBench => new ScheduleBench(harness);
  declareSuite({ seam: 'schedule store', createBench, cases: scheduleCases }, driver, options);
}

class ScheduleBench {
  readonly harness: Harness;

  constructor(harness: Harness) {
    this.harness = harness;
  }

  get schedules(): ScheduleStore {
    expect(this.harness.connection.schedules, 'the harness must give a schedule store').toBeDefined();
    return this.harness.connection.schedules as ScheduleStore;
  }

  async find(name: string): Promise<ScheduleEntry | undefined> {
    return (await this.schedules.list()).find((entry) => entry.name === name);
  }
}

const entry: ScheduleEntry = {
  name: 'nightly',
  definition: { cron: '0 3 * * 1-5', tz: 'Europe/Paris', signature: { task: 'report', args: ['ž🐴', null, [1.5]] } },
  enabled: true,
};

const scheduleCases: readonly ConformanceCase<ScheduleBench>[] = [
  {
    name: 'some entries are read by name, and a version tells whether any was changed',
    async run({ schedules }) {
      if (!schedules.get || !schedules.version) return; // a store may leave both out, and is read whole
      const other = { ...entry, name: 'other', lastSlot: 5 };
      const versions = new Set([await schedules.version()]);
      for (const each of [entry, other]) await schedules.save(each);
      versions.add(await schedules.version());
      expect(await schedules.get(['other', 'none', entry.name])).toEqual([other, undefined, entry]);
      await schedules.save({ ...entry, enabled: false });
      versions.add(await schedules.version());
      await schedules.remove('other');
      versions.add(await schedules.version());
      expect(versions.size).toBe(4);
      await schedules.markFired(entry.name, 7);
      await schedules.save({ name: 'no definition', definition: null, enabled: false });
      versions.add(await schedules.version());
      expect(versions.size, 'recorded slots do not count').toBe(4);
    },
  },
  {
    name: 'a fresh store is empty',
    async run(bench) {
      expect(await bench.schedules.list()).toEqual([]);
    },
  },
  {
    name: 'entries come back unchanged',
    async run(bench) {
      const off = { name: 'with space:and.signs', definition: null, enabled: false };
      const fired = { ...entry, name: 'fired', lastSlot: 1_790_000_000_000 };
      for (const each of [entry, off, fired]) await bench.schedules.save(each);
      const list = await bench.schedules.list();
      expect(list).toHaveLength(3);
      for (const each of [entry, off, fired]) expect(list).toContainEqual(each);
    },
  },
  {
    name: 'an entry that never fired has no lastSlot',
    async run(bench) {
      await bench.schedules.save(entry);
      expect('lastSlot' in ((await bench.find('nightly')) ?? {})).toBe(false);
    },
  },
  {
    name: 'saving again replaces definition and switch and keeps the last slot',
    async run(bench) {
      await bench.schedules.save(entry);
      await bench.schedules.markFired('nightly', 5000);
      await bench.schedules.save({ name: 'nightly', definition: { every: 30_000 }, enabled: false });
      const expected = { name: 'nightly', definition: { every: 30_000 }, enabled: false, lastSlot: 5000 };
      expect(await bench.schedules.list()).toEqual([expected]);
      await bench.schedules.save({ ...entry, lastSlot: 1000 });
      expect(await bench.find('nightly')).toEqual({ ...entry, lastSlot: 5000 });
    },
  },
  {
    name: 'fired slots only grow',
    async run(bench) {
      await bench.schedules.save(entry);
      expect(await bench.schedules.markFired('nightly', 2000)).toBe(true);
      expect(await bench.schedules.markFired('nightly', 2000)).toBe(false);
      expect(await bench.schedules.markFired('nightly', 1000)).toBe(false);
      expect(await bench.schedules.markFired('nightly', 3000)).toBe(true);
      expect((await bench.find('nightly'))?.lastSlot).toBe(3000);
    },
  },
  {
    name: 'slots are compared as numbers, not as text',
    async run(bench) {
      await bench.schedules.save(entry);
      expect(await bench.schedules.markFired('nightly', 999_999_999_999)).toBe(true);
      expect(await bench.schedules.markFired('nightly', 1_790_000_000_001)).toBe(true);
      expect(await bench.schedules.markFired('nightly', 999_999_999_999)).toBe(false);
      expect((await bench.find('nightly'))?.lastSlot).toBe(1_790_000_000_001);
    },
  },
  {
    name: 'of many that mark the same slot one succeeds',
    async run(bench) {
      await bench.schedules.save(entry);
      const other = await bench.harness.another();
      const stores = [bench.schedules, other.schedules as ScheduleStore];
      const marks = await Promise.all(
        Array.from({ length: 20 }, (_, index) => stores[index % 2]?.markFired('nightly', 7000)),
      );
      expect(marks.filter(Boolean)).toHaveLength(1);
    },
  },
  {
    name: 'an entry that is not there cannot be marked, and does not appear',
    async run(bench) {
      expect(await bench.schedules.markFired('nightly', 1000)).toBe(false);
      expect(await bench.schedules.list()).toEqual([]);
    },
  },
  {
    name: 'remove deletes an entry with its last slot',
    async run(bench) {
      await bench.schedules.save(entry);
      await bench.schedules.save({ ...entry, name: 'other' });
      await bench.schedules.markFired('nightly', 9000);
      expect(await bench.schedules.remove('nightly')).toBe(true);
      expect(await bench.schedules.remove('nightly')).toBe(false);
      expect(await bench.schedules.list()).toEqual([{ ...entry, name: 'other' }]);
      await bench.schedules.save(entry);
      expect(await bench.find('nightly')).toEqual(entry);
      expect(await bench.schedules.markFired('nightly', 1000)).toBe(true);
    },
  },
];
