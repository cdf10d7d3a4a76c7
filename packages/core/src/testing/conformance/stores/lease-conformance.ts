import { expect } from 'vitest';
import type { LeaseStore } from '../../../driver/lease-store.ts';
import { until } from '../../until.ts';
import type { ConformanceOptions, Harness } from '../harness.ts';
import { type ConformanceCase, declareSuite } from '../suite.ts';

/**
 * The exam of a {@link LeaseStore}. Call it at the top of a vitest file, as {@link brokerConformance}; the harness's
 * connection needs `leases` only.
 */
export function leaseConformance(driver: string, options: ConformanceOptions): void {
  declareSuite(
    { seam: 'lease', createBench: (harness) => new LeaseBench(harness), cases: leaseCases },
    driver,
    options,
  );
}

class LeaseBench {
  readonly harness: Harness;

  constructor(harness: Harness) {
    this.harness = harness;
  }

  get leases(): LeaseStore {
    expect(this.harness.connection.leases, 'the harness must give leases').toBeDefined();
    return this.harness.connection.leases as LeaseStore;
  }

  /** The token of a lease that must be granted. */
  async grant(name: string, owner: string, ttl = 60_000): Promise<number> {
    const lease = await this.leases.acquire(name, owner, ttl);
    expect(lease, `${owner} must get ${name}`).toBeDefined();
    return lease?.token as number;
  }

  /** The token, as soon as the lease can be had. */
  async grantInTime(name: string, owner: string, ttl = 60_000): Promise<number> {
    const lease = await until(() => this.leases.acquire(name, owner, ttl), { what: `${owner} to get ${name}` });
    return lease?.token as number;
  }
}

const leaseCases: readonly ConformanceCase<LeaseBench>[] = [
  {
    name: 'a lease is granted to one owner at a time',
    async run(bench) {
      expect(await bench.grant('beat', 'a')).toBeTypeOf('number');
      expect(await bench.leases.acquire('beat', 'b', 60_000)).toBeUndefined();
    },
  },
  {
    name: 'the same owner asking again keeps its token',
    async run(bench) {
      const token = await bench.grant('beat', 'a');
      expect(await bench.grant('beat', 'a')).toBe(token);
      expect(await bench.grant('beat', 'a')).toBe(token);
    },
  },
  {
    name: 'the same owner asking again renews',
    async run(bench) {
      await bench.grant('beat', 'a', 200);
      await bench.grant('beat', 'a', 60_000);
      await bench.grant('witness', 'a', 250);
      await bench.grantInTime('witness', 'b');
      expect(await bench.leases.acquire('beat', 'b', 60_000)).toBeUndefined();
    },
  },
  {
    name: 'names are independent',
    async run(bench) {
      await bench.grant('one', 'a');
      await bench.grant('two', 'b');
      await bench.grant('with space:and.signs{1}', 'c');
      expect(await bench.leases.acquire('two', 'a', 60_000)).toBeUndefined();
    },
  },
  {
    name: 'a released lease can be had, under a larger token',
    async run(bench) {
      const first = await bench.grant('beat', 'a');
      expect(await bench.leases.release('beat', 'a')).toBe(true);
      expect(await bench.grant('beat', 'b')).toBeGreaterThan(first);
    },
  },
  {
    name: 'nobody releases what is not theirs',
    async run(bench) {
      expect(await bench.leases.release('beat', 'a')).toBe(false);
      await bench.grant('beat', 'a');
      expect(await bench.leases.release('beat', 'b')).toBe(false);
      expect(await bench.leases.acquire('beat', 'b', 60_000)).toBeUndefined();
      expect(await bench.leases.release('beat', 'a')).toBe(true);
      expect(await bench.leases.release('beat', 'a')).toBe(false);
    },
  },
  {
    name: 'nobody renews what is not theirs',
    async run(bench) {
      expect(await bench.leases.renew('beat', 'a', 60_000)).toBe(false);
      await bench.grant('beat', 'a');
      expect(await bench.leases.renew('beat', 'b', 60_000)).toBe(false);
      expect(await bench.leases.renew('beat', 'a', 60_000)).toBe(true);
    },
  },
  {
    name: 'a lease ends when its time is over, and not before',
    async run(bench) {
      const start = performance.now();
      const first = await bench.grant('beat', 'a', 600);
      expect(await bench.leases.acquire('beat', 'b', 60_000)).toBeUndefined();
      const second = await bench.grantInTime('beat', 'b');
      expect(performance.now() - start).toBeGreaterThan(550);
      expect(second).toBeGreaterThan(first);
      expect(await bench.leases.renew('beat', 'a', 60_000)).toBe(false);
      expect(await bench.leases.release('beat', 'a')).toBe(false);
      expect(await bench.leases.acquire('beat', 'c', 60_000)).toBeUndefined();
    },
  },
  {
    name: 'a renewed lease outlives its first time',
    async run(bench) {
      await bench.grant('beat', 'a', 500);
      expect(await bench.leases.renew('beat', 'a', 60_000)).toBe(true);
      await bench.grant('witness', 'a', 550);
      await bench.grantInTime('witness', 'b');
      expect(await bench.leases.acquire('beat', 'b', 60_000)).toBeUndefined();
      expect(await bench.leases.renew('beat', 'a', 60_000)).toBe(true);
    },
  },
  {
    name: 'a lease that ran out is not renewed, and its owner asks anew under a larger token',
    async run(bench) {
      const first = await bench.grant('beat', 'a', 100);
      await bench.grant('witness', 'a', 150);
      await bench.grantInTime('witness', 'b');
      expect(await bench.leases.renew('beat', 'a', 60_000)).toBe(false);
      expect(await bench.grant('beat', 'a')).toBeGreaterThan(first);
    },
  },
  {
    name: 'every grant of a name has a larger token than the one before',
    async run(bench) {
      let last = Number.NEGATIVE_INFINITY;
      for (let turn = 0; turn < 12; turn += 1) {
        const owner = `owner-${turn % 3}`;
        const token = await bench.grantInTime('beat', owner, turn % 2 === 0 ? 60_000 : 30);
        expect(token).toBeGreaterThan(last);
        last = token;
        if (turn % 2 === 0) await bench.leases.release('beat', owner);
      }
    },
  },
  {
    name: 'of twenty contenders one gets the lease',
    async run(bench) {
      const other = await bench.harness.another();
      const stores = [bench.leases, other.leases as LeaseStore];
      const grants = await Promise.all(
        Array.from({ length: 20 }, (_, index) => stores[index % 2]?.acquire('beat', `owner-${index}`, 60_000)),
      );
      expect(grants.filter((grant) => grant !== undefined)).toHaveLength(1);
    },
  },
  {
    name: 'contenders that take turns never hold it together',
    async run(bench) {
      let holders = 0;
      let most = 0;
      const tokens: number[] = [];
      const takeTurn = async (owner: string): Promise<void> => {
        tokens.push(await bench.grantInTime('beat', owner));
        most = Math.max(most, ++holders);
        await bench.leases.renew('beat', owner, 60_000);
        holders -= 1;
        await bench.leases.release('beat', owner);
      };
      await Promise.all(Array.from({ length: 10 }, (_, index) => takeTurn(`owner-${index}`)));
      expect(most).toBe(1);
      expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
      expect(new Set(tokens).size).toBe(10);
    },
  },
];
