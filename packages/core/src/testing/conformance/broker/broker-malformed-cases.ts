import { expect } from 'vitest';
import type { MalformedEntry } from '../../../driver/broker.ts';
import { newTaskId } from '../../../message/task-id.ts';
import { until } from '../../until.ts';
import type { ConformanceCase } from '../suite.ts';
import { type BrokerBench, createMessage, queue } from './broker-bench.ts';

/** Puts this body between two good messages: it reaches `malformed` and both good ones are delivered. */
async function flowsOn(bench: BrokerBench, body: string): Promise<MalformedEntry> {
  const probe = await bench.probe();
  const before = await bench.publish();
  await bench.injectRaw(body);
  const after = await bench.publish();
  await probe.arrived(2);
  await until(() => probe.malformed.length > 0, { what: 'the malformed entry' });
  expect(new Set(probe.ids())).toEqual(new Set([before.id, after.id]));
  expect(probe.malformed).toHaveLength(1);
  await bench.emptied();
  const entry = probe.malformed[0] as MalformedEntry;
  expect(entry.queue).toBe(queue);
  expect(entry.reason.message).not.toBe('');
  return entry;
}

const textOf = (fields: Record<string, unknown>): string => JSON.stringify({ ...createMessage(), ...fields });

function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth);
}

export const brokerMalformedCases: readonly ConformanceCase<BrokerBench>[] = [
  {
    name: 'an entry that is not JSON reaches malformed',
    async run(bench) {
      expect((await flowsOn(bench, '{bad')).reason.name).toBe('MalformedMessageError');
    },
  },
  {
    name: 'an empty entry reaches malformed',
    async run(bench) {
      await flowsOn(bench, '');
    },
  },
  {
    name: 'an entry that is no object reaches malformed',
    async run(bench) {
      await flowsOn(bench, '[1,2,3]');
    },
  },
  {
    name: 'an entry of the wrong shape reaches malformed with its id and task',
    async run(bench) {
      const id = newTaskId();
      const entry = await flowsOn(bench, textOf({ id, task: 'shop.charge', args: 'not a list' }));
      expect(entry).toMatchObject({ id, task: 'shop.charge' });
      expect(entry.reason.message).toContain('args');
    },
  },
  {
    name: 'an entry without an id reaches malformed',
    async run(bench) {
      const { id: _id, ...rest } = createMessage();
      await flowsOn(bench, JSON.stringify(rest));
    },
  },
  {
    name: 'an entry nested too deep reaches malformed',
    async run(bench) {
      await flowsOn(bench, textOf({ args: [] }).replace('"args":[]', `"args":[${nested(1000)}]`));
    },
  },
  {
    name: 'an entry nested a hundred thousand deep reaches malformed',
    async run(bench) {
      await flowsOn(bench, nested(100_000));
    },
  },
  {
    name: 'an entry with a __proto__ key reaches malformed and pollutes nothing',
    async run(bench) {
      const body = textOf({ args: [] }).replace('"args":[]', '"args":[{"__proto__":{"polluted":1}}]');
      await flowsOn(bench, body);
      expect(({} as { polluted?: number }).polluted).toBeUndefined();
    },
  },
  {
    name: 'an entry of a newer version reaches malformed',
    async run(bench) {
      expect((await flowsOn(bench, textOf({ v: 99 }))).reason.message).toContain('99');
    },
  },
  {
    name: 'a malformed entry that is dead-lettered is parked with its bytes',
    async run(bench) {
      const body = '{"id":"abc","task":"x.y","oops';
      await bench.probe({ malformed: ({ reason }) => ({ kind: 'deadLetter', reason }) });
      await bench.injectRaw(body);
      await until(async () => (await bench.counts()).dead === 1, { what: 'the dead letter' });
      await bench.emptied();
      const [letter] = await bench.monitor.deadLetters(queue, 10);
      expect(letter?.body).toBe(body);
      expect(letter?.reason.name).toBe('MalformedMessageError');
    },
  },
  {
    name: 'a malformed entry stores the outcome of its settlement',
    async run(bench) {
      expect(bench.connection.acksWithOutcome, 'skip this case: the driver acks without outcomes').toBe(true);
      const id = newTaskId();
      await bench.probe({
        malformed: ({ reason }) => ({
          kind: 'deadLetter',
          reason,
          outcome: {
            record: { id, task: 'math.add', state: 'FAILURE', failure: reason, attempts: 0, at: 1 },
            ttl: 60_000,
          },
        }),
      });
      await bench.injectRaw(textOf({ id, args: 'no' }));
      await until(async () => (await bench.record(id)) !== undefined, { what: 'the outcome' });
      expect(await bench.record(id)).toMatchObject({ state: 'FAILURE', failure: { name: 'MalformedMessageError' } });
    },
  },
];
