import { expect } from 'vitest';
import { until } from '../../until.ts';
import type { ConformanceCase } from '../suite.ts';
import { createRecord, type ResultBench } from './result-bench.ts';

export const resultRecordCases: readonly ConformanceCase<ResultBench>[] = [
  {
    name: 'a record comes back with every field unchanged',
    async run(bench) {
      const failure = { name: 'TypeError', message: 'no', stack: 'at x', data: { code: 'E1', n: [1, { a: null }] } };
      const record = createRecord('FAILURE', {
        failure: { ...failure, cause: { name: 'Error', message: 'deeper 🐴', cause: failure } },
        reason: 'terminated',
        meta: { current: 1, total: 3 },
        value: [1, 'two', null, { three: 3.5 }],
        attempts: 4,
        at: 1_790_000_000_123,
        worker: 'w1@host',
        rootId: 'root',
        parentId: 'parent',
      });
      await bench.put(record);
      expect(await bench.get(record.id)).toEqual(record);
    },
  },
  {
    name: 'records of every state come back',
    async run(bench) {
      const records = ['SENT', 'RECEIVED', 'STARTED', 'RETRY', 'BREWING', 'SUCCESS', 'FAILURE', 'REVOKED'].map(
        (state) => createRecord(state),
      );
      await bench.results.put(records.map((record) => ({ record, ttl: 60_000 })));
      expect(await bench.results.get(records.map((record) => record.id))).toEqual(records);
    },
  },
  {
    name: 'get keeps the order asked for and gives undefined for unknown ids',
    async run(bench) {
      const [a, b] = [createRecord('SUCCESS', { value: 'a' }), createRecord('SUCCESS', { value: 'b' })];
      await bench.put(a);
      await bench.put(b);
      expect(await bench.results.get([b.id, 'unknown', a.id, b.id])).toEqual([b, undefined, a, b]);
    },
  },
  {
    name: 'putting and getting nothing is fine',
    async run(bench) {
      await bench.results.put([]);
      await bench.results.forget([]);
      expect(await bench.results.get([])).toEqual([]);
    },
  },
  {
    name: 'an absent value stays absent and a null stays null',
    async run(bench) {
      const [none, nil] = [createRecord('SUCCESS'), createRecord('SUCCESS', { value: null })];
      await bench.put(none);
      await bench.put(nil);
      expect('value' in ((await bench.get(none.id)) ?? {})).toBe(false);
      expect((await bench.get(nil.id))?.value).toBeNull();
    },
  },
  {
    name: 'a record is stored as it was at the call',
    async run(bench) {
      const value = ['before'];
      const record = createRecord('SUCCESS', { value });
      const storing = bench.put(record);
      value[0] = 'after';
      await storing;
      expect((await bench.get(record.id))?.value).toEqual(['before']);
    },
  },
  {
    name: 'a state that is not final is overwritten by the next',
    async run(bench) {
      const { id } = createRecord('STARTED');
      for (const state of ['STARTED', 'RETRY', 'STARTED', 'SUCCESS']) {
        expect(await bench.put(createRecord(state, { id }))).toBe(true);
        expect((await bench.get(id))?.state).toBe(state);
      }
    },
  },
  {
    name: 'a final record is never overwritten by another final one',
    async run(bench) {
      for (const [first, second] of [
        ['SUCCESS', 'FAILURE'],
        ['FAILURE', 'SUCCESS'],
        ['REVOKED', 'SUCCESS'],
      ] as const) {
        const record = createRecord(first, { worker: 'first' });
        expect(await bench.put(record)).toBe(true);
        expect(await bench.put(createRecord(second, { id: record.id, worker: 'second' }))).toBe(false);
        expect(await bench.get(record.id)).toEqual(record);
      }
    },
  },
  {
    name: 'a final record is never overwritten by progress',
    async run(bench) {
      const record = createRecord('SUCCESS', { value: 5 });
      await bench.put(record);
      for (const state of ['STARTED', 'RETRY', 'BREWING']) await bench.put(createRecord(state, { id: record.id }));
      expect(await bench.get(record.id)).toEqual(record);
    },
  },
  {
    name: 'of many final records put at once one stays, and stays the same',
    async run(bench) {
      const { id } = createRecord('SUCCESS');
      const writes = Array.from({ length: 20 }, (_, value) => createRecord('SUCCESS', { id, value }));
      await Promise.all(writes.map((record) => bench.put(record)));
      const stored = await bench.get(id);
      expect(writes).toContainEqual(stored);
      await bench.put(createRecord('FAILURE', { id }));
      expect(await bench.get(id)).toEqual(stored);
    },
  },
  {
    name: 'of two final records of one id in one call the first stays',
    async run(bench) {
      const first = createRecord('SUCCESS', { value: 1 });
      const second = createRecord('FAILURE', { id: first.id });
      const writes = [first, second].map((record) => ({ record, ttl: 60_000 }));
      expect(await bench.results.put(writes)).toEqual([true, false]);
      expect(await bench.get(first.id)).toEqual(first);
    },
  },
  {
    name: 'a record goes when its time is over, and not before',
    async run(bench) {
      const [short, long] = [createRecord('SUCCESS'), createRecord('SUCCESS')];
      const start = performance.now();
      await bench.put(short, { ttl: 600 });
      await bench.put(long, { ttl: 60_000 });
      expect(await bench.get(short.id)).toEqual(short);
      await until(async () => (await bench.get(short.id)) === undefined, { what: 'the record to expire' });
      expect(performance.now() - start).toBeGreaterThan(550);
      expect(await bench.get(long.id)).toEqual(long);
    },
  },
  {
    name: 'each state brings its own time to live',
    async run(bench) {
      const { id } = createRecord('STARTED');
      const witness = createRecord('STARTED');
      await bench.put(createRecord('STARTED', { id }), { ttl: 200 });
      await bench.put(witness, { ttl: 250 });
      await bench.put(createRecord('SUCCESS', { id }), { ttl: 60_000 });
      await until(async () => (await bench.get(witness.id)) === undefined);
      expect((await bench.get(id))?.state).toBe('SUCCESS');
    },
  },
  {
    name: 'forget deletes records, and the id may be used again',
    async run(bench) {
      const [gone, kept] = [createRecord('SUCCESS'), createRecord('SUCCESS')];
      await bench.put(gone);
      await bench.put(kept);
      await bench.results.forget([gone.id, 'unknown']);
      expect(await bench.results.get([gone.id, kept.id])).toEqual([undefined, kept]);
      const again = createRecord('FAILURE', { id: gone.id });
      await bench.put(again);
      expect(await bench.get(gone.id)).toEqual(again);
    },
  },
  {
    name: 'a value of 1 MiB passes',
    async run(bench) {
      const record = createRecord('SUCCESS', { value: 'ž'.repeat(512 * 1024) });
      await bench.put(record, { replyTo: 'inbox-large' });
      expect(await bench.get(record.id)).toEqual(record);
    },
  },
  {
    name: 'a thousand records go in and come out in one call each',
    async run(bench) {
      const records = Array.from({ length: 1000 }, (_, value) => createRecord('SUCCESS', { value }));
      await bench.results.put(records.map((record) => ({ record, ttl: 60_000 })));
      expect(await bench.results.get(records.map((record) => record.id))).toEqual(records);
    },
  },
  {
    name: 'another connection reads what this one stored',
    async run(bench) {
      const record = createRecord('SUCCESS', { value: 'shared' });
      await bench.put(record);
      const other = await bench.harness.another();
      expect(await other.results?.get([record.id])).toEqual([record]);
    },
  },
  {
    name: 'reopen takes the place of a failure, and of nothing else that is final',
    async run(bench) {
      const states = ['FAILURE', 'SUCCESS', 'REVOKED', 'STARTED'];
      const records = states.map((state) => createRecord(state));
      const unknown = createRecord('RETRY');
      await bench.results.put(records.map((record) => ({ record, ttl: 60_000 })));
      const opened = [...records, unknown].map(({ id }) => ({ record: createRecord('RETRY', { id }), ttl: 60_000 }));
      expect(await bench.results.reopen?.(opened)).toEqual([true, false, false, true, true]);
      const ids = opened.map(({ record }) => record.id);
      const now = await bench.results.get(ids);
      expect(now.map((record) => record?.state)).toEqual(['RETRY', 'SUCCESS', 'REVOKED', 'STARTED', 'RETRY']);
      expect(await bench.put(createRecord('SUCCESS', { id: records[0]?.id as string }))).toBe(true);
    },
  },
];
