import { expect } from 'vitest';
import { newTaskId } from '../../../message/task-id.ts';
import { deferred, until } from '../../until.ts';
import type { ConformanceCase } from '../suite.ts';
import { ack, type BrokerBench, queue } from './broker-bench.ts';

export const brokerMonitorCases: readonly ConformanceCase<BrokerBench>[] = [
  {
    name: 'the monitor counts what waits, is delayed and runs, queue by queue',
    async run(bench) {
      const gate = deferred();
      const probe = await bench.probe({ handle: () => gate.promise.then(() => ack) });
      await bench.publish();
      await probe.arrived(1);
      await bench.publishMany(3);
      await bench.publishMany(2, () => ({ eta: Date.now() + 60_000 }));
      await bench.publish({ queue: 'beta', priority: 5 });
      expect(await bench.monitor.counts(['beta', queue, 'nobody'])).toEqual([
        { queue: 'beta', waiting: 1, delayed: 0, blocked: 0, running: 0, dead: 0, paused: false },
        { queue, waiting: 3, delayed: 2, blocked: 0, running: 1, dead: 0, paused: false },
        { queue: 'nobody', waiting: 0, delayed: 0, blocked: 0, running: 0, dead: 0, paused: false },
      ]);
      gate.resolve();
    },
  },
  {
    name: 'the monitor tells for how long the oldest waiting message has been ready, queue by queue',
    async run(bench) {
      const oldest = async (): Promise<readonly (number | undefined)[]> =>
        (await bench.monitor.oldest?.([queue, 'beta', 'nobody'])) ?? [];
      await bench.publish({ eta: Date.now() + 60_000 });
      expect(await oldest()).toEqual([undefined, undefined, undefined]);
      await bench.publish({ priority: 1 });
      const began = performance.now();
      await until(async () => ((await oldest())[0] ?? 0) >= 60, { what: 'it to age' });
      await bench.publishMany(3, (index) => ({ priority: index * 4 }));
      await bench.publish({ queue: 'beta' });
      const [old = 0, young = 0] = await oldest();
      const elapsed = performance.now() - began;
      expect(old).toBeGreaterThanOrEqual(60);
      expect(old).toBeLessThan(elapsed + 100);
      expect(young).toBeLessThan(old);
      const probe = await bench.probe();
      await probe.arrived(4);
      expect(await oldest()).toEqual([undefined, expect.any(Number), undefined]);
    },
  },
  {
    name: 'the monitor knows every queue that has messages',
    async run(bench) {
      await bench.publish({ queue: 'alpha' });
      await bench.publish({ queue: 'beta', eta: Date.now() + 60_000 });
      await bench.publish({ queue: 'with space:and.signs' });
      expect([...(await bench.monitor.queues())].sort()).toEqual(['alpha', 'beta', 'with space:and.signs']);
    },
  },
  {
    name: 'a queue that is dropped is gone with all that was in it, and can be begun anew',
    async run(bench) {
      const gate = deferred();
      const probe = await bench.probe({ handle: () => gate.promise.then(() => ack) });
      const running = await bench.publish();
      await probe.arrived(1);
      const waiting = await bench.publish({ priority: 3 });
      const delayed = await bench.publish({ eta: Date.now() + 60_000 });
      const elsewhere = await bench.publish({ queue: 'beta' });
      gate.resolve();
      await probe.consumer.close(1_000);
      await bench.monitor.drop?.(queue);
      expect(await bench.monitor.queues()).toEqual(['beta']);
      const ids = [running.id, waiting.id, delayed.id, elsewhere.id];
      expect(await bench.monitor.locate(ids, [queue, 'beta'])).toEqual([undefined, undefined, undefined, 'waiting']);
      expect(await bench.monitor.counts([queue])).toMatchObject([
        { queue, waiting: 0, delayed: 0, running: 0, dead: 0 },
      ]);
    },
  },
  {
    name: 'the monitor finds messages by id',
    async run(bench) {
      const gate = deferred();
      const probe = await bench.probe({ handle: () => gate.promise.then(() => ack) });
      const running = await bench.publish();
      await probe.arrived(1);
      const waiting = await bench.publish();
      const urgent = await bench.publish({ priority: 9 });
      const delayed = await bench.publish({ eta: Date.now() + 60_000 });
      const elsewhere = await bench.publish({ queue: 'beta' });
      const ids = [delayed.id, newTaskId(), running.id, waiting.id, urgent.id, elsewhere.id];
      expect(await bench.monitor.locate(ids, ['alpha', 'beta'])).toEqual([
        'delayed',
        undefined,
        'running',
        'waiting',
        'waiting',
        'waiting',
      ]);
      expect(await bench.monitor.locate([waiting.id, elsewhere.id], ['beta'])).toEqual([undefined, 'waiting']);
      expect(await bench.monitor.locate([elsewhere.id])).toEqual(['waiting']);
      expect(await bench.monitor.locate([])).toEqual([]);
      gate.resolve();
    },
  },
  {
    name: 'the monitor reads what waits and is delayed, as it was sent, page by page; what runs, or was removed, not',
    async run(bench) {
      const gate = deferred();
      const probe = await bench.probe({ handle: () => gate.promise.then(() => ack) });
      await bench.publish();
      await probe.arrived(1);
      const stamps = { customer: 42 };
      const sent = [
        await bench.publish({ stamps }),
        await bench.publish({ priority: 9, headers: { a: 'b' }, stamps }),
        await bench.publish({ eta: Date.now() + 60_000, stamps, priority: 3 }),
      ];
      const many = await bench.publishMany(1_200);
      const removed = await bench.publish();
      await bench.monitor.remove?.([removed.id]);
      await bench.publish({ queue: 'beta' });
      const found = new Map<string, unknown>();
      let page: string | undefined;
      do {
        const { messages, next } = (await bench.monitor.undelivered?.(queue, page)) ?? { messages: [] };
        for (const message of messages) found.set(message.id, message);
        page = next;
      } while (page !== undefined);
      expect([...found.keys()].sort()).toEqual([...sent.map(({ id }) => id), ...many].sort());
      for (const { eta: _eta, ...message } of sent) expect(found.get(message.id)).toMatchObject(message); // eta may have done its duty
      expect(await bench.monitor.undelivered?.('nobody')).toMatchObject({ messages: [] });
      gate.resolve();
    },
  },
  {
    name: 'the next messages are looked at in the order of delivery, up to a limit, and stay where they are',
    async run(bench) {
      const peek = async (limit: number, name = queue): Promise<readonly string[] | undefined> =>
        (await bench.monitor.peek?.(name, limit))?.map(({ id }) => id);
      expect(await peek(5)).toEqual([]);
      const low = await bench.publishMany(3);
      const high = await bench.publishMany(2, () => ({ priority: 9, args: ['high'] }));
      const middle = await bench.publishMany(2, () => ({ priority: 4 }));
      await bench.publish({ eta: Date.now() + 60_000, priority: 9 });
      await bench.publish({ queue: 'beta', priority: 9 });
      await bench.monitor.remove?.([middle[0] as string]);
      const order = [...high, middle[1], ...low];
      expect(await peek(100)).toEqual(order);
      for (const limit of [1, 2, 3, 6]) expect(await peek(limit)).toEqual(order.slice(0, limit));
      expect(await bench.monitor.peek?.(queue, 1)).toMatchObject([{ id: high[0], args: ['high'], priority: 9, queue }]);
      expect(await peek(5, 'nobody')).toEqual([]);
      const probe = await bench.probe();
      await probe.arrived(6);
      expect([...probe.ids()].sort()).toEqual([...order].sort());
      expect(await peek(5)).toEqual([]);
    },
  },
  {
    name: 'messages are found by their ids, whether they wait, are delayed or run',
    async run(bench) {
      const gate = deferred();
      const probe = await bench.probe({ handle: () => gate.promise.then(() => ack) });
      const running = await bench.publish();
      await probe.arrived(1);
      const many = await bench.publishMany(700);
      const urgent = await bench.publish({ priority: 9, args: ['urgent'] });
      const delayed = await bench.publish({ eta: Date.now() + 60_000 });
      const elsewhere = await bench.publish({ queue: 'beta' });
      const named = await bench.publish({ id: 'a-name-of-its-own' });
      const sent = [delayed, running, urgent, named, elsewhere];
      const find = async (ids: readonly string[], queues?: readonly string[]) =>
        (await bench.monitor.find?.(ids, queues))?.map((message) => message?.id);
      const ids = [...sent.map(({ id }) => id), newTaskId(), many[650] as string];
      expect(await find(ids)).toEqual([...ids.slice(0, 5), undefined, many[650]]);
      expect(await find(many)).toEqual(many);
      expect(await find([urgent.id, elsewhere.id], ['beta'])).toEqual([undefined, elsewhere.id]);
      expect((await bench.monitor.find?.([urgent.id]))?.[0]).toMatchObject({ args: ['urgent'], priority: 9, queue });
      expect(await find([])).toEqual([]);
      await bench.monitor.remove?.([urgent.id, delayed.id]);
      expect(await find([urgent.id, delayed.id])).toEqual([undefined, undefined]);
      gate.resolve();
    },
  },
  {
    name: 'purge deletes what waits and is delayed, returns the ids, and leaves what runs',
    async run(bench) {
      const gate = deferred();
      const probe = await bench.probe({ handle: () => gate.promise.then(() => ack) });
      const running = await bench.publish();
      await probe.arrived(1);
      const ids = await bench.publishMany(5, (index) => ({ priority: index }));
      ids.push((await bench.publish({ eta: Date.now() + 60_000 })).id);
      const other = await bench.publish({ queue: 'beta' });
      const purged = await bench.monitor.purge(queue);
      expect([...purged].sort()).toEqual([...ids].sort());
      expect(await bench.counts()).toMatchObject({ waiting: 0, delayed: 0, running: 1 });
      expect(await bench.monitor.locate([running.id, ...ids])).toEqual(['running', ...ids.map(() => undefined)]);
      expect(await bench.place(other.id)).toBe('waiting');
      gate.resolve();
      await bench.emptied();
      expect(probe.deliveries).toHaveLength(1);
    },
  },
  {
    name: 'purge of an empty or unknown queue returns nothing',
    async run(bench) {
      expect(await bench.monitor.purge('nobody')).toEqual([]);
    },
  },
  {
    name: 'an id that was purged may be published again',
    async run(bench) {
      const message = await bench.publish();
      await bench.monitor.purge(queue);
      await bench.broker.publish([message]);
      const probe = await bench.probe();
      await probe.arrived(1);
      expect(probe.ids()).toEqual([message.id]);
    },
  },
  {
    name: 'dead letters are listed newest first, up to the limit',
    async run(bench) {
      const reason = { name: 'Reject', message: 'no' };
      await bench.probe({ handle: () => ({ kind: 'deadLetter', reason }) });
      const ids = await bench.publishMany(5);
      await bench.emptied();
      const list = await bench.monitor.deadLetters(queue, 3);
      expect(list.map((letter) => letter.id)).toEqual(ids.reverse().slice(0, 3));
      expect(await bench.monitor.deadLetters(queue, 100)).toHaveLength(5);
      expect(await bench.monitor.deadLetters('nobody', 10)).toEqual([]);
    },
  },
  {
    name: 'dead letters are read page by page, in both directions, each once',
    async run(bench) {
      const ids = await parked(bench, 7);
      const pages = async (oldestFirst: boolean): Promise<string[]> => {
        const seen: string[] = [];
        let after: string | undefined;
        for (;;) {
          const page = await bench.monitor.deadLetters(queue, 3, { oldestFirst, ...(after ? { after } : {}) });
          if (page.length === 0) return seen;
          seen.push(...page.map(({ id }) => id));
          after = page.at(-1)?.key;
        }
      };
      expect(await pages(true)).toEqual(ids);
      expect(await pages(false)).toEqual([...ids].reverse());
    },
  },
  {
    name: 'dead letters are removed by their keys, and a page goes on behind one that is gone',
    async run(bench) {
      const ids = await parked(bench, 4);
      const letters = await bench.monitor.deadLetters(queue, 10, { oldestFirst: true });
      const keys = letters.map(({ key }) => key);
      expect(new Set(keys).size).toBe(4);
      const [first = '', second = ''] = keys;
      expect(await bench.monitor.removeDeadLetters(queue, [first, second, first])).toBe(2);
      expect(await bench.monitor.removeDeadLetters(queue, [first])).toBe(0);
      expect(await bench.monitor.removeDeadLetters(queue, [])).toBe(0);
      expect(await bench.monitor.removeDeadLetters('nobody', keys)).toBe(0);
      const left = await bench.monitor.deadLetters(queue, 10, { after: second, oldestFirst: true });
      expect(left.map(({ id }) => id)).toEqual(ids.slice(2));
      expect(await bench.counts()).toMatchObject({ dead: 2 });
    },
  },
  {
    name: 'a task that is parked twice is two letters',
    async run(bench) {
      const [id = ''] = await parked(bench, 1);
      await bench.publish({ id });
      await until(async () => (await bench.counts()).dead === 2, { what: 'the second letter' });
      const letters = await bench.monitor.deadLetters(queue, 10);
      expect(letters.map((letter) => letter.id)).toEqual([id, id]);
      expect(letters[0]?.key).not.toBe(letters[1]?.key);
    },
  },
];

/** Parks so many messages; resolves with their ids, the oldest letter's first. */
async function parked(bench: BrokerBench, count: number): Promise<readonly string[]> {
  const reason = { name: 'Reject', message: 'no' };
  await bench.probe({ handle: () => ({ kind: 'deadLetter', reason }) });
  const ids = await bench.publishMany(count);
  await bench.emptied();
  return ids;
}
