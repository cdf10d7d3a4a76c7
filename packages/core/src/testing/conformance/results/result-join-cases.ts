import { expect } from 'vitest';
import { until } from '../../until.ts';
import type { ConformanceCase } from '../suite.ts';
import { createRecord, type ResultBench } from './result-bench.ts';

export const resultJoinCases: readonly ConformanceCase<ResultBench>[] = [
  {
    name: 'join counts members until all have ended',
    async run(bench) {
      expect(await bench.join({ index: 2 })).toEqual({ done: 1, failed: 0, complete: false });
      expect(await bench.join({ index: 0 })).toEqual({ done: 2, failed: 0, complete: false });
      expect(await bench.join({ index: 1 })).toEqual({ done: 3, failed: 0, complete: true });
    },
  },
  {
    name: 'joining again changes nothing and tells the state again',
    async run(bench) {
      for (let time = 0; time < 3; time += 1) {
        expect(await bench.join({ index: 1, size: 2 })).toEqual({ done: 1, failed: 0, complete: false });
      }
      await bench.join({ index: 0, size: 2 });
      expect(await bench.join({ index: 1, size: 2 })).toEqual({ done: 2, failed: 0, complete: true });
    },
  },
  {
    name: 'failed members are counted, once each, as they first ended',
    async run(bench) {
      await bench.join({ index: 0, succeeded: false });
      await bench.join({ index: 0, succeeded: false });
      await bench.join({ index: 1, succeeded: true });
      expect(await bench.join({ index: 1, succeeded: false })).toMatchObject({ done: 2, failed: 1 });
      expect(await bench.join({ index: 2, succeeded: false })).toEqual({ done: 3, failed: 2, complete: true });
    },
  },
  {
    name: 'a group of one is complete at once',
    async run(bench) {
      expect(await bench.join({ index: 0, size: 1 })).toEqual({ done: 1, failed: 0, complete: true });
    },
  },
  {
    name: 'members that do not know the size are complete once one has told it',
    async run(bench) {
      const member = { groupId: 'stream', succeeded: true, ttl: 60_000 };
      const { results } = bench;
      expect(await results.join({ ...member, index: 0 })).toEqual({ done: 1, failed: 0, complete: false });
      expect(await results.join({ ...member, index: 2, size: 3, announcesSize: true })).toMatchObject({
        complete: false,
      });
      expect(await results.join({ ...member, index: 0 })).toEqual({ done: 2, failed: 0, complete: false });
      expect(await results.join({ ...member, index: 1 })).toEqual({ done: 3, failed: 0, complete: true });
      expect(await results.join({ ...member, index: 0 })).toEqual({ done: 3, failed: 0, complete: true });
    },
  },
  {
    name: 'a join stores the outcome that comes with it, and counts nobody whose outcome does not stand',
    async run(bench) {
      const bell = await bench.bell('joiner');
      const write = (index: number, state: string) => ({
        index,
        size: 2,
        outcome: { record: createRecord(state, { id: `member-${index}` }), ttl: 60_000, replyTo: 'joiner' },
      });
      await bench.put(createRecord('REVOKED', { id: 'member-1' }));
      expect(await bench.join(write(0, 'SUCCESS'))).toEqual({ done: 1, failed: 0, complete: false });
      expect(await bench.get('member-0')).toMatchObject({ state: 'SUCCESS' });
      expect(await bench.join(write(1, 'SUCCESS'))).toMatchObject({ complete: false, refused: true });
      expect(await bench.get('member-1')).toMatchObject({ state: 'REVOKED' });
      await bell.rung(2);
      expect(await bench.join({ index: 1, size: 2 })).toEqual({ done: 2, failed: 0, complete: true });
    },
  },
  {
    name: 'groups do not mix',
    async run(bench) {
      await bench.join({ groupId: 'a', index: 0, size: 2 });
      expect(await bench.join({ groupId: 'b', index: 1, size: 2 })).toMatchObject({ done: 1, complete: false });
    },
  },
  {
    name: 'of members that end at once somebody sees the group complete',
    async run(bench) {
      const size = 100;
      const other = await bench.harness.another();
      const states = await Promise.all(
        Array.from({ length: size }, async (_, index) => {
          const member = { groupId: 'crowd', index, size, succeeded: index % 10 !== 0, ttl: 60_000 };
          return index % 2 === 0 ? bench.results.join(member) : other.results?.join(member);
        }),
      );
      const complete = states.filter((state) => state?.complete);
      expect(complete.length).toBeGreaterThan(0);
      for (const state of complete) expect(state).toEqual({ done: size, failed: 10, complete: true });
    },
  },
  {
    name: 'a join is forgotten when its time is over',
    async run(bench) {
      await bench.join({ groupId: 'short', index: 0, ttl: 150 });
      await until(async () => (await bench.join({ groupId: 'short', index: 1, ttl: 150 })).done === 1, {
        what: 'the join to be forgotten',
      });
    },
  },
];
