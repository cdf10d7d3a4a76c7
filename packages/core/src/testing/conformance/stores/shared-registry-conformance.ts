import { expect } from 'vitest';
import type { SharedRegistry } from '../../../driver/shared-registry.ts';
import { until } from '../../until.ts';
import type { ConformanceOptions, Harness } from '../harness.ts';
import { type ConformanceCase, declareSuite } from '../suite.ts';

/**
 * The exam of a {@link SharedRegistry}. Call it at the top of a vitest file, as {@link brokerConformance}; the harness's
 * connection needs `directory` only.
 */
export function sharedRegistryConformance(driver: string, options: ConformanceOptions): void {
  const createBench = (harness: Harness): DirectoryBench => new DirectoryBench(harness);
  declareSuite({ seam: 'directory', createBench, cases: directoryCases }, driver, options);
}

class DirectoryBench {
  readonly harness: Harness;

  constructor(harness: Harness) {
    this.harness = harness;
  }

  get sharedRegistry(): SharedRegistry {
    expect(this.harness.connection.sharedRegistry, 'the harness must give a directory').toBeDefined();
    return this.harness.connection.sharedRegistry as SharedRegistry;
  }
}

const directoryCases: readonly ConformanceCase<DirectoryBench>[] = [
  {
    name: 'entries come back unchanged, from every connection, and only in their book',
    async run({ sharedRegistry, harness }) {
      const value = { pattern: 'a.*', list: ['ž🐴', null, [1.5]], nested: { ok: true } };
      await sharedRegistry.put('one', 'with space:and.signs', value);
      await sharedRegistry.put('one', 'plain', 5);
      await sharedRegistry.put('two', 'plain', null);
      const other = (await harness.another()).sharedRegistry as SharedRegistry;
      const byName = (await other.list('one')).toSorted((a, b) => (a.name < b.name ? -1 : 1));
      expect(byName).toEqual([
        { name: 'plain', value: 5 },
        { name: 'with space:and.signs', value },
      ]);
      expect(await other.list('two')).toEqual([{ name: 'plain', value: null }]);
      expect(await other.list('none')).toEqual([]);
    },
  },
  {
    name: 'an entry is written over, and removed',
    async run({ sharedRegistry }) {
      await sharedRegistry.put('one', 'a', 1);
      await sharedRegistry.put('one', 'a', 2);
      await sharedRegistry.put('one', 'b', 3);
      expect(await sharedRegistry.remove('one', ['a', 'missing'])).toBe(1);
      expect(await sharedRegistry.remove('one', ['a'])).toBe(0);
      expect(await sharedRegistry.list('one')).toEqual([{ name: 'b', value: 3 }]);
      expect(await sharedRegistry.remove('one', [])).toBe(0);
    },
  },
  {
    name: 'an entry with a ttl is expired after it unless it is written again, and stays until it is removed',
    async run({ sharedRegistry }) {
      await sharedRegistry.put('one', 'short', 1, 60);
      await sharedRegistry.put('one', 'kept', 2, 60);
      await sharedRegistry.put('one', 'kept', 2, 60_000);
      await sharedRegistry.put('one', 'ever', 3);
      const find = async (name: string) => (await sharedRegistry.list('one')).find((entry) => entry.name === name);
      await until(async () => ((await find('short'))?.expiredFor ?? -1) >= 0, { what: 'an expired entry' });
      expect(await find('kept')).toEqual({ name: 'kept', value: 2 });
      expect(await find('ever')).toEqual({ name: 'ever', value: 3 });
      await until(async () => ((await find('short'))?.expiredFor ?? -1) > 20, { what: 'a longer time' });
      await sharedRegistry.put('one', 'short', 4, 60_000);
      expect(await find('short')).toEqual({ name: 'short', value: 4 });
    },
  },
];
