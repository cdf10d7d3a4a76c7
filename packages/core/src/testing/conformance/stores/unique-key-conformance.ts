import { expect } from 'vitest';
import type { HeldUniqueKey, UniqueKeyRequest, UniqueKeyStore } from '../../../driver/unique-key-store.ts';
import { until } from '../../until.ts';
import type { ConformanceOptions, Harness } from '../harness.ts';
import { type ConformanceCase, declareSuite } from '../suite.ts';

/**
 * The exam of a {@link UniqueKeyStore}. Call it at the top of a vitest file, as {@link brokerConformance}; the harness's
 * connection needs `claims` only.
 */
export function uniqueKeyConformance(driver: string, options: ConformanceOptions): void {
  declareSuite(
    { seam: 'claim', createBench: (harness) => new UniqueKeyBench(harness), cases: uniqueKeyCases },
    driver,
    options,
  );
}

class UniqueKeyBench {
  readonly harness: Harness;

  constructor(harness: Harness) {
    this.harness = harness;
  }

  get uniqueKeys(): UniqueKeyStore {
    expect(this.harness.connection.uniqueKeys, 'the harness must give claims').toBeDefined();
    return this.harness.connection.uniqueKeys as UniqueKeyStore;
  }

  take(name: string, id: string, fields: Partial<UniqueKeyRequest> = {}): Promise<HeldUniqueKey | undefined> {
    return this.uniqueKeys.acquire(name, { id, queue: 'alpha', ttl: 60_000, ...fields });
  }

  /** Whose the key is, after `id` has asked for it. */
  async holder(name: string, id: string, fields: Partial<UniqueKeyRequest> = {}): Promise<string | undefined> {
    await this.take(name, id, fields);
    return this.uniqueKeys.confirm(name, 'nobody');
  }
}

const uniqueKeyCases: readonly ConformanceCase<UniqueKeyBench>[] = [
  {
    name: 'a key is held by one task; others are told which, where, and since when',
    async run(bench) {
      expect(await bench.take('k', 'a')).toBeUndefined();
      const claim = await bench.take('k', 'b', { queue: 'beta' });
      expect(claim).toMatchObject({ id: 'a', queue: 'alpha', published: false });
      expect(claim?.age).toBeGreaterThanOrEqual(0);
      expect(claim?.since).toBe(claim?.age);
    },
  },
  {
    name: 'the task that holds a key keeps it, its age, and what was confirmed',
    async run(bench) {
      await bench.take('k', 'a', { ttl: 200 });
      expect(await bench.uniqueKeys.confirm('k', 'a')).toBe('a');
      expect(await bench.take('k', 'a')).toBeUndefined();
      await bench.take('witness', 'a', { ttl: 250 });
      await until(async () => (await bench.holder('witness', 'b')) === 'b', { what: 'the witness to run out' });
      expect(await bench.take('k', 'a')).toBeUndefined();
      const claim = await bench.take('k', 'b');
      expect(claim).toMatchObject({ id: 'a', published: true });
      expect(claim?.age).toBeGreaterThanOrEqual(200);
    },
  },
  {
    name: 'a claim can be taken as published from the start, and later',
    async run(bench) {
      await bench.take('k', 'a', { published: true });
      await bench.take('l', 'a');
      await bench.take('l', 'a', { published: true });
      for (const key of ['k', 'l']) expect(await bench.take(key, 'b')).toMatchObject({ id: 'a', published: true });
    },
  },
  {
    name: 'keys are independent, whatever signs they hold',
    async run(bench) {
      expect(await bench.holder('one', 'a')).toBe('a');
      expect(await bench.holder('with space:and.signs{1}', 'b')).toBe('b');
      expect(await bench.holder('one', 'c')).toBe('a');
    },
  },
  {
    name: 'a released key is free; nobody releases or confirms what is not theirs',
    async run(bench) {
      expect(await bench.uniqueKeys.release('k', 'a')).toBe(false);
      expect(await bench.uniqueKeys.confirm('k', 'a')).toBeUndefined();
      await bench.take('k', 'a');
      expect(await bench.uniqueKeys.release('k', 'b')).toBe(false);
      expect(await bench.uniqueKeys.confirm('k', 'b')).toBe('a');
      expect(await bench.take('k', 'b')).toMatchObject({ id: 'a', published: false });
      expect(await bench.uniqueKeys.release('k', 'a')).toBe(true);
      expect(await bench.holder('k', 'b')).toBe('b');
      expect(await bench.uniqueKeys.release('k', 'a')).toBe(false);
    },
  },
  {
    name: 'a key is taken from the holder that is named, and from no other',
    async run(bench) {
      await bench.take('k', 'a', { published: true });
      expect(await bench.holder('k', 'b', { replaceHolder: 'x' })).toBe('a');
      expect(await bench.take('k', 'b', { replaceHolder: 'a', queue: 'beta' })).toMatchObject({
        id: 'a',
        published: true,
      });
      expect(await bench.take('k', 'c', { replaceHolder: 'a' })).toMatchObject({
        id: 'b',
        queue: 'beta',
        published: false,
      });
      expect(await bench.uniqueKeys.confirm('k', 'a')).toBe('b');
      expect(await bench.holder('free', 'c', { replaceHolder: 'a' })).toBe('c');
    },
  },
  {
    name: 'a key is taken from whoever holds it, who is told; of many that do, each takes it from the one before',
    async run(bench) {
      const others = (await bench.harness.another()).uniqueKeys as UniqueKeyStore;
      expect(await bench.take('k', 't0', { replace: true })).toBeUndefined();
      const ids = Array.from({ length: 20 }, (_, index) => `t${index + 1}`);
      const request = { queue: 'alpha', ttl: 60_000, replace: true };
      const before = await Promise.all(
        ids.map((id, index) => (index % 2 === 0 ? bench.uniqueKeys : others).acquire('k', { ...request, id })),
      );
      const last = (await bench.uniqueKeys.confirm('k', 'nobody')) as string;
      expect(before.map((claim) => claim?.id).sort()).toEqual(['t0', ...ids].filter((id) => id !== last).sort());
    },
  },
  {
    name: 'who takes a key is told of the last one before whose message was published',
    async run(bench) {
      const replace = { replace: true };
      await bench.take('k', 'a', { queue: 'beta' });
      await bench.uniqueKeys.confirm('k', 'a');
      await bench.take('k', 'b', replace);
      await bench.take('k', 'c', replace);
      const previousHolder = { id: 'a', queue: 'beta' };
      expect(await bench.take('k', 'd', { ...replace, published: true })).toMatchObject({ id: 'c', previousHolder });
      await bench.take('k', 'e', replace);
      expect(await bench.take('k', 'f')).toMatchObject({ id: 'e', previousHolder: { id: 'd', queue: 'alpha' } });
      await bench.uniqueKeys.release('k', 'e');
      await bench.take('k', 'g');
      expect((await bench.take('k', 'h'))?.previousHolder).toBeUndefined();
    },
  },
  {
    name: 'who takes a key within the period of a burst goes on with its time, until it has lasted too long',
    async run(bench) {
      const replace = { replace: true };
      const burst = { ...replace, debounceWindow: { period: 10_000, timeout: 300 } };
      await bench.take('k', 'a', burst);
      const begun = performance.now();
      await bench.take('witness', 'a', { ttl: 150 });
      await until(async () => (await bench.holder('witness', 'b')) === 'b', { what: 'the witness to run out' });
      await bench.take('k', 'b', burst);
      const claim = await bench.take('k', 'c', burst);
      expect(claim).toMatchObject({ id: 'b' });
      expect(claim?.age).toBeLessThan(claim?.since as number);
      expect(claim?.since).toBeGreaterThanOrEqual(140);
      await until(() => performance.now() - begun > 350, { what: 'the timeout' });
      await bench.take('k', 'd', burst);
      expect((await bench.take('k', 'e', replace))?.since).toBeLessThan(140);
      expect(
        (await bench.take('k', 'f', { ...replace, debounceWindow: { period: 0, timeout: 300 } }))?.since,
      ).toBeLessThan(140);
    },
  },
  {
    name: 'a claim ends when its time is over, and not before; to confirm it adds no time',
    async run(bench) {
      const start = performance.now();
      await bench.take('k', 'a', { ttl: 600 });
      await bench.uniqueKeys.confirm('k', 'a');
      expect(await bench.holder('k', 'b')).toBe('a');
      await until(async () => (await bench.holder('k', 'b')) === 'b', { what: 'the claim to run out' });
      expect(performance.now() - start).toBeGreaterThan(550);
      expect(await bench.uniqueKeys.release('k', 'a')).toBe(false);
    },
  },
  {
    name: 'of twenty contenders one gets the key, and the others are all told the same',
    async run(bench) {
      const other = (await bench.harness.another()).uniqueKeys as UniqueKeyStore;
      const uniqueKeys = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 === 0 ? bench.uniqueKeys : other).acquire('k', { id: `t${index}`, queue: 'alpha', ttl: 60_000 }),
        ),
      );
      expect(uniqueKeys.filter((claim) => claim === undefined)).toHaveLength(1);
      expect(new Set(uniqueKeys.map((claim) => claim?.id)).size).toBe(2);
    },
  },
  {
    name: 'of twenty that take it from one holder, one does',
    async run(bench) {
      await bench.take('k', 'a');
      const uniqueKeys = await Promise.all(
        Array.from({ length: 20 }, (_, index) => bench.take('k', `t${index}`, { replaceHolder: 'a' })),
      );
      expect(uniqueKeys.filter((claim) => claim?.id === 'a')).toHaveLength(1);
    },
  },
];
