import { expect } from 'vitest';
import type { Message } from '../../../message/message.ts';
import { newTaskId } from '../../../message/task-id.ts';
import { deferred, until, within } from '../../until.ts';
import type { ConformanceCase } from '../suite.ts';
import { ack, type BrokerBench, createMessage, queue } from './broker-bench.ts';

const everyField: Partial<Message> = {
  task: 'shop.charge',
  args: [1, 'two', null, true, [3, [4]], { five: { six: 6.5 } }],
  priority: 7,
  retries: 2,
  sentAt: 1_790_000_000_123,
  expires: 4_000_000_000_000,
  maxRetries: null,
  replyTo: 'inbox-1',
  ignoreResult: false,
  resultExpires: 3_600_000,
  timeLimit: 120_000,
  softTimeLimit: 60_000,
  rootId: 'root',
  parentId: 'parent',
  groupId: 'group',
  groupIndex: 3,
  headers: { trace: 'abc', nested: { deep: [1, 2] } },
  stamps: { customer: 42 },
  version: '2.1',
  mayRepeat: true,
  unknownSince: 1_790_000_000_000,
  requeues: 1,
};

/** Publishes these one after the other and returns the only delivery of each. */
async function roundTrip(bench: BrokerBench, fields: Partial<Message>): Promise<void> {
  const probe = await bench.probe();
  const message = await bench.publish(fields);
  await probe.arrived(1);
  expect(probe.deliveries[0]?.message).toEqual(message);
}

export const brokerDeliveryCases: readonly ConformanceCase<BrokerBench>[] = [
  {
    name: 'a message arrives with every field unchanged',
    run: (bench) => roundTrip(bench, everyField),
  },
  {
    name: 'fields that say nothing stay absent',
    async run(bench) {
      const probe = await bench.probe();
      const message = await bench.publish({ args: [] });
      await probe.arrived(1);
      expect(Object.keys(probe.deliveries[0]?.message ?? {}).sort()).toEqual(Object.keys(message).sort());
      expect(probe.deliveries[0]).toMatchObject({ queue, deliveryCount: 1 });
    },
  },
  {
    name: 'empty and unicode arguments arrive unchanged',
    run: (bench) => roundTrip(bench, { args: ['', {}, [], 'žluťoučký 🐴', '\u0000\u001f"\\/', '漢字\n', '\u2028'] }),
  },
  {
    name: 'a payload of 1 MiB passes',
    run: (bench) => roundTrip(bench, { args: ['x'.repeat(1024 * 1024)] }),
  },
  {
    name: 'numbers at the edges arrive unchanged',
    run: (bench) => roundTrip(bench, { args: [0, -1, 1.5e300, 5e-324, Number.MAX_SAFE_INTEGER, 0.1 + 0.2] }),
  },
  {
    name: 'an array of arguments changed after the call is sent as it was',
    async run(bench) {
      const args = ['before'];
      const publishing = bench.publish({ args });
      args[0] = 'after';
      await publishing;
      const probe = await bench.probe();
      await probe.arrived(1);
      expect(probe.deliveries[0]?.message.args).toEqual(['before']);
    },
  },
  {
    name: 'messages published before there is a consumer are run',
    async run(bench) {
      const ids = await bench.publishMany(3);
      const probe = await bench.probe();
      await probe.arrived(3);
      expect([...probe.ids()].sort()).toEqual([...ids].sort());
    },
  },
  {
    name: 'an idle consumer gets a new message promptly',
    async run(bench) {
      const probe = await bench.probe();
      await bench.publish();
      await probe.arrived(1);
      await bench.emptied();
      const start = performance.now();
      await bench.publish();
      await probe.arrived(2);
      expect(performance.now() - start).toBeLessThan(2000);
    },
  },
  {
    name: 'publishing nothing is fine',
    async run(bench) {
      await bench.broker.publish([]);
      expect(await bench.counts()).toMatchObject({ waiting: 0, delayed: 0 });
    },
  },
  {
    name: 'one publish serves several queues',
    async run(bench) {
      const probe = await bench.probe({ queues: ['alpha', 'beta'] });
      await bench.publishMany(4, (index) => ({ queue: index % 2 === 0 ? 'alpha' : 'beta' }));
      await probe.arrived(4);
      for (const delivery of probe.deliveries) expect(delivery.queue).toBe(delivery.message.queue);
    },
  },
  {
    name: 'an id published again while it waits runs once',
    async run(bench) {
      const message = await bench.publish();
      await bench.broker.publish([message]);
      await bench.broker.publish([{ ...message, args: ['other'] }, message]);
      expect(await bench.counts()).toMatchObject({ waiting: 1 });
      await expectOnce(bench, message);
    },
  },
  {
    name: 'an id published many times at once runs once',
    async run(bench) {
      const message = createMessage();
      await Promise.all(Array.from({ length: 20 }, () => bench.broker.publish([message])));
      await expectOnce(bench, message);
    },
  },
  {
    name: 'an id published again while it is delayed keeps its time and runs once',
    async run(bench) {
      const message = createMessage({ eta: Date.now() + 1000 });
      const { eta: _eta, ...sooner } = message;
      await bench.broker.publish([message]);
      await bench.broker.publish([sooner]);
      expect(await bench.counts()).toMatchObject({ waiting: 0, delayed: 1 });
      await expectOnce(bench, message);
    },
  },
  {
    name: 'an id published again while it runs is not run beside itself',
    async run(bench) {
      const gate = deferred();
      const probe = await bench.probe({ slots: 5, handle: async () => gate.promise.then(() => ack) });
      const message = await bench.publish();
      await probe.arrived(1);
      await bench.broker.publish([message]);
      const marker = await bench.publish();
      await probe.arrived(2);
      expect(probe.ids()).toEqual([message.id, marker.id]);
      gate.resolve();
      await bench.emptied();
      expect(probe.deliveries).toHaveLength(2);
    },
  },
  {
    name: 'a publish whose signal has aborted rejects and sends nothing',
    async run(bench) {
      const message = createMessage();
      await expect(bench.broker.publish([message], AbortSignal.abort(new Error('too late')))).rejects.toThrow();
      expect(await bench.place(message.id)).toBeUndefined();
    },
  },
  {
    name: 'a thousand messages run exactly once each on fifty slots',
    async run(bench) {
      const ids = await bench.publishMany(1000);
      const probe = await bench.probe({ slots: 50 });
      await until(() => probe.deliveries.length >= 1000, { timeout: 30_000, what: '1000 deliveries' });
      await bench.emptied();
      expect(probe.deliveries).toHaveLength(1000);
      expect(new Set(probe.ids())).toEqual(new Set(ids));
    },
  },
  {
    name: 'two consumers share a queue and no message runs on both',
    async run(bench) {
      const both = deferred();
      const other = await bench.harness.another();
      const handle = () => within(both.promise, { what: 'both consumers to get a message' }).then(() => ack);
      const first = await bench.probe({ slots: 5, handle });
      const second = await bench.probe({ slots: 5, handle, connection: other });
      const ids = await bench.publishMany(200);
      await until(() => first.deliveries.length > 0 && second.deliveries.length > 0);
      both.resolve();
      await bench.emptied();
      const ran = [...first.ids(), ...second.ids()];
      expect(ran).toHaveLength(200);
      expect(new Set(ran)).toEqual(new Set(ids));
    },
  },
  {
    name: 'a handler may publish to the queue it came from',
    async run(bench) {
      const probe = await bench.probe({
        handle: async ({ message }) => {
          if (message.args[0] === 'first') await bench.publish({ args: ['second'] });
          return ack;
        },
      });
      await bench.publish({ args: ['first'] });
      await probe.arrived(2);
      expect(probe.deliveries.map((delivery) => delivery.message.args[0])).toEqual(['first', 'second']);
    },
  },
];

async function expectOnce(bench: BrokerBench, message: Message): Promise<void> {
  const probe = await bench.probe({ slots: 5 });
  await probe.arrived(1);
  await bench.emptied();
  const marker = await bench.publish({ id: newTaskId() });
  await probe.arrived(2);
  expect(probe.ids()).toEqual([message.id, marker.id]);
  expect(probe.deliveries[0]?.message).toEqual(message);
}
