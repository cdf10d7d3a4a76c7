import { expect } from 'vitest';
import { sleep, systemClock } from '../../../clock.ts';
import { type AcquireRequest, recheckAfter, type Semaphore, type SlotHolder } from '../../../driver/semaphore.ts';
import { until } from '../../until.ts';
import type { ConformanceOptions, Harness } from '../harness.ts';
import { type ConformanceCase, declareSuite } from '../suite.ts';
import { checkAgainstModel, drawHistory } from './semaphore-model.ts';

/**
 * The exam of an {@link Semaphore}. Call it at the top of a vitest file, as {@link brokerConformance}; the harness's
 * connection needs `admission` only.
 */
export function semaphoreConformance(driver: string, options: ConformanceOptions): void {
  declareSuite(
    { seam: 'admission', createBench: (harness) => new SemaphoreBench(harness), cases: semaphoreCases },
    driver,
    options,
  );
}

class SemaphoreBench {
  readonly harness: Harness;

  constructor(harness: Harness) {
    this.harness = harness;
  }

  get semaphore(): Semaphore {
    expect(this.harness.connection.semaphore, 'the harness must give an admission').toBeDefined();
    return this.harness.connection.semaphore as Semaphore;
  }

  /** Whether each of these is in, entered in one call. */
  async enter(...entries: readonly AcquireRequest[]): Promise<readonly boolean[]> {
    const { fencingTokens: fences } = await this.semaphore.acquire(entries);
    return fences.map((fence) => fence > 0);
  }

  /** The ids of those who get in when these leave. */
  async leave(...places: readonly SlotHolder[]): Promise<readonly string[]> {
    return (await this.semaphore.release(places)).map(({ id }) => id);
  }

  /** Lets everybody out who is in, one by one, beginning with this one: the order in which they were in. */
  async order(first: SlotHolder): Promise<readonly string[]> {
    const ids: string[] = [];
    for (let inside: readonly SlotHolder[] = [first]; inside.length > 0; ) {
      const [next, ...others] = inside as [SlotHolder, ...SlotHolder[]];
      ids.push(next.id);
      inside = [...others, ...(await this.semaphore.release([next]))];
    }
    return ids;
  }
}

/** An entry into the group `g`, for one place of one. */
function entry(id: string, fields: Partial<AcquireRequest> = {}): AcquireRequest {
  return { group: 'g', queue: 'alpha', id, limit: 1, ...fields };
}

const semaphoreCases: readonly ConformanceCase<SemaphoreBench>[] = [
  {
    name: 'a group lets in as many as it has places',
    async run(bench) {
      const five = ['a', 'b', 'c', 'd', 'e'].map((id) => entry(id, { limit: 3 }));
      expect(await bench.enter(...five)).toEqual([true, true, true, false, false]);
    },
  },
  {
    name: 'groups are independent, whatever they are called',
    async run(bench) {
      const names = ['g', 'g:holders', 'c:["a","b"]', 'with space {1} \n and é'];
      for (const group of names) expect(await bench.enter(entry('a', { group }))).toEqual([true]);
      for (const group of names) expect(await bench.enter(entry('b', { group }))).toEqual([false]);
    },
  },
  {
    name: 'tells whom it knows: who is in, and who waits',
    async run(bench) {
      await bench.enter(entry('in'), entry('waits'));
      const places = [entry('in'), entry('waits'), entry('nobody'), entry('in', { group: 'h' })];
      expect(await bench.semaphore.has(places)).toEqual([true, true, false, false]);
      await bench.semaphore.release([entry('in'), entry('waits')]);
      expect(await bench.semaphore.has(places)).toEqual([false, false, false, false]);
    },
  },
  {
    name: 'entering again changes nothing, in or not',
    async run(bench) {
      await bench.enter(entry('a'), entry('b'), entry('c'));
      expect(await bench.enter(entry('b'), entry('a'), entry('c'), entry('b'))).toEqual([false, true, false, false]);
      expect(await bench.order(entry('a'))).toEqual(['a', 'b', 'c']);
    },
  },
  {
    name: 'who leaves lets the first in the line in',
    async run(bench) {
      await bench.enter(entry('a'), entry('b'), entry('c'));
      const [next, ...others] = await bench.semaphore.release([entry('a')]);
      expect(next).toEqual({ group: 'g', queue: 'alpha', id: 'b' });
      expect(others).toEqual([]);
      expect(await bench.enter(entry('b'), entry('c'))).toEqual([true, false]);
    },
  },
  {
    name: 'leaving twice frees one place',
    async run(bench) {
      await bench.enter(entry('a'), entry('b'), entry('c'));
      expect(await bench.leave(entry('a'))).toEqual(['b']);
      expect(await bench.leave(entry('a'))).toEqual([]);
      expect(await bench.leave(entry('nobody'), entry('a', { group: 'unknown' }))).toEqual([]);
      expect(await bench.enter(entry('c'))).toEqual([false]);
    },
  },
  {
    name: 'who waits can leave the line',
    async run(bench) {
      await bench.enter(entry('a'), entry('b'), entry('c'));
      expect(await bench.leave(entry('b'))).toEqual([]);
      expect(await bench.leave(entry('a'))).toEqual(['c']);
    },
  },
  {
    name: 'whoever leaves as a holder takes no turn in the line',
    async run(bench) {
      await bench.enter(entry('a'), entry('b'), entry('c'));
      expect(await bench.semaphore.release([entry('b')], 'holders')).toEqual([]);
      const acquired = await bench.semaphore.release([entry('a')], 'holders');
      expect(acquired.map(({ id }) => id)).toEqual(['b']);
    },
  },
  {
    name: 'a group that was left by all begins anew',
    async run(bench) {
      await bench.enter(entry('a'), entry('b'));
      await bench.leave(entry('a'), entry('b'));
      expect(await bench.enter(entry('b'), entry('a'))).toEqual([true, false]);
    },
  },
  {
    name: 'one id in two queues is two members',
    async run(bench) {
      expect(await bench.enter(entry('a'), entry('a', { queue: 'beta' }))).toEqual([true, false]);
      expect(await bench.semaphore.release([entry('a')])).toEqual([{ group: 'g', queue: 'beta', id: 'a' }]);
    },
  },
  {
    name: 'more places let in who waits, fewer let nobody in until enough have left',
    async run(bench) {
      await bench.enter(entry('a'), entry('b'), entry('c'), entry('d'));
      const wider = await bench.semaphore.acquire([entry('d', { limit: 3 })]);
      expect(wider.fencingTokens).toEqual([0]);
      expect(wider.others.map(({ id }) => id)).toEqual(['b', 'c']);
      await bench.enter(entry('d', { limit: 1 }));
      expect(await bench.leave(entry('a'), entry('b'))).toEqual([]);
      expect(await bench.leave(entry('c'))).toEqual(['d']);
    },
  },
  {
    name: 'every fence is larger than the ones before, also of one who enters again',
    async run(bench) {
      let last = 0;
      for (const one of [entry('a'), entry('x', { group: 'h' }), entry('a'), entry('b', { limit: 2 }), entry('a')]) {
        const [fence = 0] = (await bench.semaphore.acquire([one], 'must')).fencingTokens;
        expect(fence).toBeGreaterThan(last);
        last = fence;
      }
    },
  },
  {
    name: 'flows take turns, however long they are',
    async run(bench) {
      await bench.enter(entry('first', { flow: 'x' }));
      await bench.enter(...Array.from({ length: 50 }, (_, index) => entry(`x${index}`, { flow: 'x' })));
      await bench.enter(...['y0', 'y1', 'y2'].map((id) => entry(id, { flow: 'y' })));
      await bench.enter(...['z0', 'z1', 'z2'].map((id) => entry(id, { flow: 'z' })));
      const order = await bench.order(entry('first'));
      const served = (flow: string, count: number) => order.slice(0, count).filter((id) => id.startsWith(flow)).length;
      expect([served('y', 10), served('z', 10)]).toEqual([3, 3]);
      expect(order.filter((id) => id.startsWith('x'))).toEqual(Array.from({ length: 50 }, (_, index) => `x${index}`));
    },
  },
  {
    name: 'a flow that comes late does not make up for what it has missed',
    async run(bench) {
      await bench.enter(...Array.from({ length: 41 }, (_, index) => entry(`x${index}`, { flow: 'x' })));
      let inside = entry('x0') as SlotHolder;
      for (let step = 0; step < 20; step += 1) [inside] = (await bench.semaphore.release([inside])) as [SlotHolder];
      await bench.enter(...Array.from({ length: 20 }, (_, index) => entry(`y${index}`, { flow: 'y' })));
      const order = (await bench.order(inside)).slice(0, 20);
      expect(order.filter((id) => id.startsWith('x')).length).toBeGreaterThanOrEqual(9);
      expect(order.filter((id) => id.startsWith('y')).length).toBeGreaterThanOrEqual(9);
    },
  },
  {
    name: 'a flow of half the cost has twice the share',
    async run(bench) {
      const many = (flow: string, cost: number) =>
        Array.from({ length: 60 }, (_, index) => entry(`${flow}${index}`, { flow, cost }));
      await bench.enter(entry('first', { flow: 'none' }), ...many('x', 1), ...many('y', 1 / 2));
      const order = (await bench.order(entry('first'))).slice(1, 61);
      const doubled = order.filter((id) => id.startsWith('y')).length;
      expect(doubled).toBeGreaterThanOrEqual(38);
      expect(doubled).toBeLessThanOrEqual(42);
    },
  },
  {
    name: 'a halted place stays taken until its holder leaves',
    async run(bench) {
      await bench.enter(entry('a'), entry('b'));
      expect(await bench.semaphore.halt(entry('b'))).toBe(false);
      expect(await bench.semaphore.halted()).toEqual([]);
      expect(await bench.semaphore.halt(entry('a'))).toBe(true);
      expect(await bench.semaphore.halted()).toEqual([{ group: 'g', queue: 'alpha', id: 'a' }]);
      expect(await bench.enter(entry('b'))).toEqual([false]);
      expect(await bench.leave(entry('a'))).toEqual(['b']);
      expect(await bench.semaphore.halted()).toEqual([]);
    },
  },
  {
    name: 'a member takes over the place of the one it replaces',
    async run(bench) {
      await bench.enter(entry('a'), entry('b'));
      await bench.semaphore.halt(entry('a'));
      const again = entry('c', { replaces: { queue: 'alpha', id: 'a' } });
      expect(await bench.enter(again, again)).toEqual([true, true]);
      expect(await bench.semaphore.halted()).toEqual([]);
      expect(await bench.enter(entry('d', { replaces: { queue: 'alpha', id: 'gone' } }))).toEqual([false]);
      expect(await bench.order(entry('c'))).toEqual(['c', 'b', 'd']);
    },
  },
  {
    name: 'the line can be looked at',
    async run(bench) {
      await bench.enter(entry('a'), entry('b'), entry('c'), entry('d'));
      expect((await bench.semaphore.waitingList('g', 2)).map(({ id }) => id)).toEqual(['b', 'c']);
      expect(await bench.semaphore.waitingList('unknown', 2)).toEqual([]);
    },
  },
  {
    name: 'places that somebody waits for are looked at again and again, by one at a time',
    async run(bench) {
      await bench.enter(entry('a'), entry('b'), entry('lone', { group: 'h' }), entry('halted', { group: 'i' }));
      await bench.enter(entry('waits', { group: 'i' }));
      await bench.semaphore.halt(entry('halted', { group: 'i' }));
      for (let turn = 0; turn < 2; turn += 1) {
        const found = await until(
          async () => {
            const look = { interval: 50, minHeldMs: 20, limit: 10 };
            const asked = performance.now();
            const both = await Promise.all([bench.semaphore.overdue(look), bench.semaphore.overdue(look)]);
            if (performance.now() - asked < look.interval) expect(both).toContain(undefined);
            return both.find((places) => places !== undefined && places.length > 0);
          },
          { what: 'a place to be overdue' },
        );
        expect(found?.map(({ group, id }) => [group, id])).toEqual([['g', 'a']]);
        expect(found?.[0]?.heldFor).toBeGreaterThanOrEqual(20);
      }
    },
  },
  {
    name: 'a place that was given to the last one in the line is looked at soon, though nobody waits for it',
    async run(bench) {
      await bench.enter(entry('a'), entry('b'));
      expect(await bench.leave(entry('a'))).toEqual(['b']);
      await sleep(systemClock, recheckAfter.soon + 100);
      expect(await bench.semaphore.overdue({ interval: 1, minHeldMs: 60_000, limit: 10 })).toEqual([]); // too young by that
      const look = { interval: 1, minHeldMs: 20, limit: 10 };
      const found = async () => ((await bench.semaphore.overdue(look)) ?? []).some(({ id }) => id === 'b');
      await until(found, { timeout: 2 * recheckAfter.soon, what: 'the place to be looked at again' });
    },
  },
  ...[1, 2, 3].map((part) => ({
    name: `random histories come to what the definition says, part ${part}`,
    async run(bench: SemaphoreBench) {
      for (let nth = 0; nth < 8; nth += 1) {
        const seed = part * 1_000 + nth;
        const names = [`a${seed}`, `b${seed}`] as const;
        await checkAgainstModel(bench.semaphore, { names, ops: drawHistory(seed, 40) }).catch((error: unknown) => {
          throw new Error(`history ${seed}: ${(error as Error).message}`, { cause: error });
        });
      }
    },
  })),
  {
    name: 'every connection sees the same places',
    async run(bench) {
      const another = await bench.harness.another();
      await bench.enter(entry('a'));
      const { fencingTokens: fences } = (await another.semaphore?.acquire([entry('a'), entry('b')])) ?? {};
      expect(fences?.map((fence) => fence > 0)).toEqual([true, false]);
      expect((await another.semaphore?.release([entry('a')]))?.map(({ id }) => id)).toEqual(['b']);
    },
  },
  {
    name: 'many who enter at once through two connections: never more in than places, and everybody gets in',
    async run(bench) {
      const another = (await bench.harness.another()).semaphore as Semaphore;
      const inside = new Set<string>();
      let most = 0;
      let served = 0;
      const passed = new Set<string>();
      const getIn = async (place: SlotHolder): Promise<void> => {
        inside.add(place.id);
        most = Math.max(most, inside.size);
        await Promise.resolve();
        inside.delete(place.id);
        passed.add(place.id);
        served += 1;
        const through = served % 2 === 0 ? another : bench.semaphore;
        await Promise.all((await through.release([place])).map(getIn));
      };
      const all = Array.from({ length: 120 }, (_, index) => entry(`m${index}`, { limit: 4 }));
      await Promise.all(
        all.map(async (one, index) => {
          const through = index % 2 === 0 ? another : bench.semaphore;
          const { fencingTokens: fences, others } = await through.acquire([one]);
          await Promise.all([...(fences[0] ? [getIn(one)] : []), ...others.map(getIn)]);
        }),
      );
      expect(most).toBeLessThanOrEqual(4);
      expect([passed.size, served]).toEqual([120, 120]);
    },
  },
];
