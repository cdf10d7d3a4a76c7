import { expect } from 'vitest';
import { defaultRetention, type Retention } from '../../../driver/retention.ts';
import type { OutcomeRecord } from '../../../message/outcome.ts';
import { until } from '../../until.ts';
import { ackWith, BrokerBench, queue } from '../broker/broker-bench.ts';
import type { ConformanceOptions, Harness } from '../harness.ts';
import { createRecord } from '../results/result-bench.ts';
import { type ConformanceCase, declareSuite } from '../suite.ts';

/**
 * The exam of what a store keeps of work that is over (`Connection.sweep`). Call it at the top of a vitest file, as
 * {@link brokerConformance}; the harness's connection needs broker, results and monitor, and is opened with the retention given.
 */
export function retentionConformance(driver: string, options: ConformanceOptions): void {
  declareSuite({ seam: 'retention', createBench, closeBench: (bench) => bench.close(), cases }, driver, options);
}

const createBench = (harness: Harness): BrokerBench => new BrokerBench(harness);

/** Little is kept, and nothing is too young to go. */
function keeping(bounds: Partial<Retention>): Retention {
  return { ...defaultRetention, grace: 0, ...bounds };
}

const long = 3 * 3_600_000;
const failure = { name: 'Error', message: 'no' };

async function store(
  bench: BrokerBench,
  count: number,
  fields: (index: number) => Partial<OutcomeRecord> = () => ({}),
) {
  const records = Array.from({ length: count }, (_, index) => createRecord('SUCCESS', fields(index)));
  await bench.results.put(records.map((record) => ({ record, ttl: long })));
  return records.map(({ id }) => id);
}

/** How many of these are there. */
async function left(bench: BrokerBench, ids: readonly string[]): Promise<number> {
  return (await bench.results.get(ids)).filter((record) => record !== undefined).length;
}

/** Sweeps until so many of these are left: what ended a moment ago may not be known to the sweep yet. */
async function sweptTo(bench: BrokerBench, ids: readonly string[], most: number): Promise<void> {
  const work = async (): Promise<boolean> => {
    await bench.connection.sweep?.();
    return (await left(bench, ids)) <= most;
  };
  await until(work, { what: `${most} of ${ids.length} records to be left` });
}

const cases: readonly ConformanceCase<BrokerBench>[] = [
  {
    name: 'of many results the newest stay, as many as are kept',
    retention: keeping({ results: 120 }),
    async run(bench) {
      const ids = await store(bench, 700);
      await sweptTo(bench, ids, 120);
      expect(await left(bench, ids)).toBe(120);
      expect(await left(bench, ids.slice(-120))).toBe(120);
      const more = await store(bench, 100);
      await sweptTo(bench, [...ids, ...more], 120);
      expect(await left(bench, more)).toBe(100);
    },
  },
  {
    name: 'results go too when they take too much, however few they are',
    retention: keeping({ bytes: 300_000 }),
    async run(bench) {
      const large = await store(bench, 60, () => ({ value: 'x'.repeat(10_000) }));
      await sweptTo(bench, large, 30);
      expect(await left(bench, large)).toBeGreaterThan(20); // about 28 of them fit
      expect(await left(bench, large.slice(-20))).toBe(20);
    },
  },
  {
    name: 'failures are counted by themselves: many successes push none out',
    retention: keeping({ results: 50, failures: 20 }),
    async run(bench) {
      const failed = Array.from({ length: 30 }, () => createRecord('FAILURE', { failure }));
      await bench.results.put(failed.map((record) => ({ record, ttl: long })));
      const ids = await store(bench, 600);
      await sweptTo(bench, ids, 50);
      await sweptTo(
        bench,
        failed.map(({ id }) => id),
        20,
      );
      expect(await left(bench, failed.map(({ id }) => id).slice(-20))).toBe(20);
    },
  },
  {
    name: 'what is needed stays: plans, members that ended, states before the end, and ids that somebody chose',
    retention: keeping({ results: 50 }),
    async run(bench) {
      const canvas = { join: { group: 'g', index: 0, size: 200 } };
      const members = await store(bench, 200, () => ({ canvas }));
      const plans = await store(bench, 200, () => ({ state: 'PENDING', plan: { kind: 'callback', canvas: null } }));
      const running = await store(bench, 200, () => ({ state: 'STARTED' }));
      const chosen = await store(bench, 200, (index) => ({ id: `order-${index}` }));
      const others = await store(bench, 700);
      await sweptTo(bench, others, 50);
      const counts = await Promise.all([members, plans, running, chosen].map((ids) => left(bench, ids)));
      expect(counts).toEqual([200, 200, 200, 200]);
    },
  },
  {
    name: 'a record that stops a message is not swept; put again without that it is, and it goes by the time it says then',
    retention: keeping({ results: 50 }),
    async run(bench) {
      const records = Array.from({ length: 200 }, () => createRecord('REVOKED', { reason: 'revoked' }));
      const ids = records.map(({ id }) => id);
      await bench.results.put(records.map((record) => ({ record, ttl: long, stopsMessage: true })));
      await sweptTo(bench, await store(bench, 700), 50);
      expect(await left(bench, ids)).toBe(200);
      const [first, ...others] = records as [OutcomeRecord, ...OutcomeRecord[]];
      expect(await bench.results.put(others.map((record) => ({ record, ttl: long })))).not.toContain(true);
      await sweptTo(bench, ids, 51);
      expect(await left(bench, [first.id])).toBe(1);
      await bench.results.put([{ record: first, ttl: 20 }]);
      await until(async () => (await left(bench, [first.id])) === 0, { what: 'the record to go with its time' });
    },
  },
  {
    name: 'what is younger than the grace stays, however much there is',
    retention: keeping({ results: 10, bytes: 4_000, grace: 1_500 }),
    async run(bench) {
      const ids = await store(bench, 40);
      await bench.connection.sweep?.();
      expect(await left(bench, ids)).toBe(40);
      await sweptTo(bench, ids, 10);
    },
  },
  {
    name: 'outcomes that ride on acks are counted as well, and a sweep runs though nothing ends any more',
    retention: keeping({ results: 40 }),
    async run(bench) {
      const probe = await bench.probe({ slots: 50, handle: ({ message }) => longAck(message.id) });
      const ids = await bench.publishMany(300);
      await probe.arrived(300);
      await bench.emptied();
      await sweptTo(bench, ids, 40);
      expect(await left(bench, ids)).toBe(40);
    },
  },
  {
    name: 'forgotten results do not count',
    retention: keeping({ results: 100 }),
    async run(bench) {
      const orphaned = await store(bench, 600);
      await bench.results.forget(orphaned);
      const kept = await store(bench, 90);
      await until(async () => (await left(bench, kept)) === 90, { what: 'the records' });
      for (let turn = 0; turn < 5; turn += 1) await bench.connection.sweep?.();
      const more = await store(bench, 100);
      await sweptTo(bench, [...kept, ...more], 100);
      expect(await left(bench, more)).toBe(100);
    },
  },
  {
    name: 'dead letters go when they are too many, the oldest first',
    retention: keeping({ deadLetters: 20 }),
    run: (bench) => parkMany(bench, 60, 20),
  },
  {
    name: 'dead letters go when they take too much',
    retention: keeping({ deadLetterBytes: 64_000 }),
    run: (bench) => parkMany(bench, 60, 16, 'x'.repeat(4_000)),
  },
  {
    name: 'dead letters go when their time is over',
    retention: keeping({ deadLetterExpires: 300 }),
    run: (bench) => parkMany(bench, 5, 0),
  },
];

function longAck(id: string) {
  const answer = ackWith(id, 'done');
  if (answer.kind !== 'ack' || answer.outcome === undefined) throw new Error('ackWith gives an outcome');
  return { ...answer, outcome: { ...answer.outcome, ttl: long } };
}

/** Parks so many messages; after the sweep at most `most` of them are there, the newest. */
async function parkMany(bench: BrokerBench, count: number, most: number, text = ''): Promise<void> {
  const probe = await bench.probe({ handle: () => ({ kind: 'deadLetter', reason: failure }) });
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) ids.push((await bench.publish({ args: [text] })).id);
  await probe.arrived(count);
  await bench.emptied();
  const swept = async (): Promise<boolean> => {
    await bench.connection.sweep?.();
    return (await bench.counts()).dead <= most;
  };
  await until(swept, { what: `${most} dead letters to be left` });
  const letters = await bench.monitor.deadLetters(queue, count);
  expect(letters.map(({ id }) => id)).toEqual([...ids].reverse().slice(0, letters.length));
  if (most > 0) expect(letters.length).toBeGreaterThan(most / 4);
}
