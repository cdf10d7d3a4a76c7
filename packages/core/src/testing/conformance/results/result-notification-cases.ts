import { expect } from 'vitest';
import type { OutcomeRecord } from '../../../message/outcome.ts';
import { deferred, within } from '../../until.ts';
import type { ConformanceCase } from '../suite.ts';
import { createRecord, type ResultBench } from './result-bench.ts';

const inbox = 'inbox-1';

export const resultNotificationCases: readonly ConformanceCase<ResultBench>[] = [
  {
    name: 'a stored record rings its inbox',
    async run(bench) {
      const bell = await bench.bell(inbox);
      const record = createRecord('SUCCESS', { value: 5 });
      await bench.put(record, { replyTo: inbox });
      await bell.rung(1);
      expect(bell.rings[0]?.id).toBe(record.id);
      if (bell.rings[0]?.record) expect(bell.rings[0].record).toEqual(record);
    },
  },
  {
    name: 'when it rings the record can be read',
    async run(bench) {
      const read = deferred<OutcomeRecord | undefined>();
      await bench.results.watch(inbox, (ring) => void bench.get(ring.id).then(read.resolve, read.reject));
      const record = createRecord('SUCCESS', { value: 5 });
      await bench.put(record, { replyTo: inbox });
      expect(await within(read.promise)).toEqual(record);
    },
  },
  {
    name: 'progress rings too',
    async run(bench) {
      const bell = await bench.bell(inbox);
      const record = createRecord('STARTED', { meta: { current: 1 } });
      await bench.put(record, { replyTo: inbox });
      await bell.rung(1);
      expect(bell.rings[0]?.id).toBe(record.id);
    },
  },
  {
    name: 'only the inbox of the record rings',
    async run(bench) {
      const [bell, other] = [await bench.bell(inbox), await bench.bell('inbox-2')];
      await bench.put(createRecord('SUCCESS'));
      const [first, second] = [createRecord('SUCCESS'), createRecord('SUCCESS')];
      await bench.put(first, { replyTo: inbox });
      await bench.put(second, { replyTo: 'inbox-2' });
      await bell.rung(1);
      await other.rung(1);
      expect(bell.rings.map((ring) => ring.id)).toEqual([first.id]);
      expect(other.rings.map((ring) => ring.id)).toEqual([second.id]);
    },
  },
  {
    name: 'a repeated final record rings again, with what is stored',
    async run(bench) {
      const bell = await bench.bell(inbox);
      const record = createRecord('SUCCESS', { value: 'first' });
      await bench.put(record, { replyTo: inbox });
      await bench.put({ ...record, value: 'second' }, { replyTo: inbox });
      await bell.rung(2);
      for (const ring of bell.rings) if (ring.record) expect(ring.record).toEqual(record);
      expect(await bench.get(record.id)).toEqual(record);
    },
  },
  {
    name: 'every listener of an inbox hears the ring',
    async run(bench) {
      const other = await bench.harness.another();
      const bells = [await bench.bell(inbox), await bench.bell(inbox), await bench.bell(inbox, other.results)];
      const { id } = createRecord('SUCCESS');
      await bench.put(createRecord('SUCCESS', { id }), { replyTo: inbox });
      for (const bell of bells) {
        await bell.rung(1);
        expect(bell.rings.map((ring) => ring.id)).toEqual([id]);
      }
    },
  },
  {
    name: 'a closed subscription is silent and leaves the others',
    async run(bench) {
      const [closed, open] = [await bench.bell(inbox), await bench.bell(inbox)];
      await closed.subscription.close();
      await closed.subscription.close();
      await bench.put(createRecord('SUCCESS'), { replyTo: inbox });
      await open.rung(1);
      expect(closed.rings).toHaveLength(0);
    },
  },
  {
    name: 'an inbox may be watched again after all its listeners have gone',
    async run(bench) {
      const first = await bench.bell(inbox);
      await first.subscription.close();
      const second = await bench.bell(inbox);
      await bench.put(createRecord('SUCCESS'), { replyTo: inbox });
      await second.rung(1);
      expect(first.rings).toHaveLength(0);
    },
  },
  {
    name: 'a ring that nobody hears is no error',
    async run(bench) {
      const record = createRecord('SUCCESS');
      await bench.put(record, { replyTo: 'nobody' });
      expect(await bench.get(record.id)).toEqual(record);
    },
  },
  {
    name: 'a listener that throws does not silence the others',
    async run(bench) {
      await bench.results.watch(inbox, () => {
        throw new Error('listener');
      });
      const bell = await bench.bell(inbox);
      await bench.put(createRecord('SUCCESS'), { replyTo: inbox });
      await bench.put(createRecord('SUCCESS'), { replyTo: inbox });
      await bell.rung(2);
    },
  },
  {
    name: 'a thousand records of one call ring a thousand times',
    async run(bench) {
      const bell = await bench.bell(inbox);
      const records = Array.from({ length: 1000 }, () => createRecord('SUCCESS'));
      await bench.results.put(records.map((record) => ({ record, ttl: 60_000, replyTo: inbox })));
      await bell.rung(1000);
      expect(new Set(bell.rings.map((ring) => ring.id))).toEqual(new Set(records.map((record) => record.id)));
    },
  },
];
