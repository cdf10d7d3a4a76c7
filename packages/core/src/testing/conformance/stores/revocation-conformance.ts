import { expect } from 'vitest';
import type { RevocationRule, RevocationStore } from '../../../driver/revocation-store.ts';
import { until } from '../../until.ts';
import type { ConformanceOptions, Harness } from '../harness.ts';
import { type ConformanceCase, declareSuite } from '../suite.ts';

/**
 * The exam of a {@link RevocationStore}. Call it at the top of a vitest file, as {@link brokerConformance}; the harness's
 * connection needs `revocations` only.
 */
export function revocationConformance(driver: string, options: ConformanceOptions): void {
  const createBench = (harness: Harness) => new RevocationBench(harness);
  declareSuite({ seam: 'revocation', createBench, cases: revocationCases }, driver, options);
}

class RevocationBench {
  readonly harness: Harness;

  constructor(harness: Harness) {
    this.harness = harness;
  }

  get store(): RevocationStore {
    expect(this.harness.connection.revocations, 'the harness must give revocations').toBeDefined();
    return this.harness.connection.revocations as RevocationStore;
  }
}

function rule(stamp: string, value: RevocationRule['value'], ttl = 60_000): RevocationRule {
  return { stamp, value, terminate: false, at: Date.now(), expiresAt: Date.now() + ttl };
}

const revocationCases: readonly ConformanceCase<RevocationBench>[] = [
  {
    name: 'rules are kept as they were given, for every connection',
    async run({ store, harness }) {
      const rules = [rule('customer', 42), rule('customer', '42'), rule('{odd}: "name"', true), rule('ünï', '')];
      await store.add(rules);
      const other = (await harness.another()).revocations as RevocationStore;
      const { rules: read = [] } = await other.read();
      expect([...read].sort(byName)).toEqual([...rules].sort(byName));
    },
  },
  {
    name: 'the version tells whether anything has changed',
    async run({ store }) {
      const { version: empty, rules } = await store.read();
      expect(rules).toEqual([]);
      await store.add([rule('a', 1)]);
      const first = await store.read(empty);
      expect(first.rules).toHaveLength(1);
      expect(await store.read(first.version)).toEqual({ version: first.version });
      await store.add([rule('a', 2)]);
      const second = await store.read(first.version);
      expect(second.rules).toHaveLength(2);
      await store.remove([{ stamp: 'a', value: 1 }]);
      expect((await store.read(second.version)).rules).toHaveLength(1);
    },
  },
  {
    name: 'a rule takes the place of one with the same stamp and value',
    async run({ store }) {
      await store.add([rule('a', 1)]);
      const again = { ...rule('a', 1), terminate: true };
      await store.add([again]);
      expect((await store.read()).rules).toEqual([again]);
    },
  },
  {
    name: 'rules are taken back by stamp and value',
    async run({ store }) {
      await store.add([rule('a', 1), rule('a', 2), rule('b', 1)]);
      const unwanted = [
        { stamp: 'a', value: 1 },
        { stamp: 'b', value: 1 },
        { stamp: 'c', value: 1 },
      ];
      expect(await store.remove(unwanted)).toBe(2);
      expect((await store.read()).rules).toMatchObject([{ stamp: 'a', value: 2 }]);
    },
  },
  {
    name: 'a rule that has expired is not told',
    async run({ store }) {
      await store.add([rule('brief', 1, 50), rule('long', 1)]);
      await until(async () => (await store.read()).rules?.length === 1, { what: 'the brief rule to expire' });
      expect((await store.read()).rules).toMatchObject([{ stamp: 'long' }]);
    },
  },
];

function byName(a: RevocationRule, b: RevocationRule): number {
  return JSON.stringify([a.stamp, a.value]).localeCompare(JSON.stringify([b.stamp, b.value]));
}
