import { expect } from 'vitest';
import { type BlockedMessage, blockedUntil, type Settlement } from '../../../driver/broker.ts';
import { until } from '../../until.ts';
import type { ConformanceCase } from '../suite.ts';
import { ack, type BrokerBench, queue } from './broker-bench.ts';

async function promote(bench: BrokerBench, ...held: readonly BlockedMessage[]): Promise<readonly boolean[]> {
  expect(bench.broker.unblock, 'the broker must be able to promote').toBeDefined();
  return (await bench.broker.unblock?.(held)) ?? [];
}

export const brokerBlockedCases: readonly ConformanceCase<BrokerBench>[] = [
  {
    name: 'a held message waits until it is promoted',
    async run(bench) {
      const { id } = await bench.publish({ held: true });
      const probe = await bench.probe();
      const other = await bench.publish();
      await probe.arrived(1);
      expect(probe.ids()).toEqual([other.id]);
      expect(await bench.place(id)).toBe('delayed');
      expect(await promote(bench, { queue, id })).toEqual([true]);
      await probe.arrived(2);
      expect(probe.ids()).toEqual([other.id, id]);
      await bench.emptied();
    },
  },
  {
    name: 'held messages are counted among the delayed, and by themselves',
    async run(bench) {
      await bench.publishMany(3, (index) => ({ held: index < 2, eta: Date.now() + 60_000 }));
      expect(await bench.counts()).toMatchObject({ waiting: 0, delayed: 3, blocked: 2, running: 0 });
    },
  },
  {
    name: 'only held messages are promoted, each once',
    async run(bench) {
      const delayed = await bench.publish({ eta: Date.now() + 60_000 });
      const ready = await bench.publish();
      const held = await bench.publish({ held: true });
      const ids = [delayed.id, ready.id, 'nobody', held.id, held.id];
      expect(await promote(bench, ...ids.map((id) => ({ queue, id })))).toEqual([false, false, false, true, false]);
      expect(await promote(bench, { queue: 'beta', id: held.id }, { queue, id: held.id })).toEqual([false, false]);
      expect(await bench.counts()).toMatchObject({ waiting: 2, delayed: 1, blocked: 0 });
    },
  },
  {
    name: 'a promoted message goes to the end of its priority, or before all others of it',
    async run(bench) {
      const [a, b] = await bench.publishMany(2);
      const [last, first] = await bench.publishMany(2, () => ({ held: true }));
      await promote(bench, { queue, id: last as string }, { queue, id: first as string, first: true });
      const probe = await bench.probe();
      await probe.arrived(4);
      expect(probe.ids()).toEqual([first, a, b, last]);
    },
  },
  {
    name: 'a delivery can be held, and keeps its delivery count',
    async run(bench) {
      let held = false;
      const probe = await bench.probe({
        handle: ({ message }): Settlement => {
          if (held) return ack;
          held = true;
          return { kind: 'retryAt', message: { ...message, headers: { seen: true } }, at: blockedUntil };
        },
      });
      const { id } = await bench.publish({ priority: 4 });
      await until(async () => (await bench.counts()).blocked === 1, { what: 'the message to be held' });
      expect(await promote(bench, { queue, id, first: true })).toEqual([true]);
      await probe.arrived(2);
      expect(probe.deliveries[1]?.message).toMatchObject({ id, priority: 4, headers: { seen: true } });
      expect(probe.deliveries[1]?.deliveryCount).toBe(1);
      await bench.emptied();
    },
  },
  {
    name: 'a delivery is held for good, also when the clock goes on while it is settled',
    async run(bench) {
      const seen = new Set<string>();
      await bench.probe({
        slots: 5,
        handle: ({ message }): Settlement => {
          if (seen.has(message.id)) return ack;
          seen.add(message.id);
          return { kind: 'retryAt', message, at: blockedUntil };
        },
      });
      const now = Date.now;
      let looks = 0;
      Date.now = () => now() + ++looks; // every look finds it a millisecond later
      try {
        const ids = await bench.publishMany(10);
        await until(async () => (await bench.counts()).delayed === 10, { what: 'ten messages to wait' });
        expect((await bench.counts()).blocked).toBe(10);
        expect(await promote(bench, ...ids.map((id) => ({ queue, id })))).toEqual(ids.map(() => true));
        await bench.emptied();
      } finally {
        Date.now = now;
      }
    },
  },
  {
    name: 'a message that is delayed until a time can be made ready before it, where that is asked for',
    async run(bench) {
      const { id } = await bench.publish({ eta: Date.now() + 3_600_000, priority: 3 });
      expect(await promote(bench, { queue, id })).toEqual([false]);
      expect(await promote(bench, { queue, id, timed: true })).toEqual([true]);
      expect(await promote(bench, { queue, id, timed: true })).toEqual([false]);
      expect(await bench.counts()).toMatchObject({ waiting: 1, delayed: 0 });
      const probe = await bench.probe();
      await probe.arrived(1);
      expect(probe.deliveries[0]?.message).toMatchObject({ id, priority: 3 });
      await bench.emptied();
    },
  },
  {
    name: 'held messages can be removed and purged',
    async run(bench) {
      const [a, b, c] = await bench.publishMany(3, () => ({ held: true }));
      expect(await bench.monitor.remove?.([a as string])).toEqual([true]);
      expect(await promote(bench, { queue, id: a as string })).toEqual([false]);
      expect([...(await bench.monitor.purge(queue))].sort()).toEqual([b, c].sort());
      expect(await bench.counts()).toMatchObject({ waiting: 0, delayed: 0, blocked: 0 });
      expect(await bench.place(b as string)).toBeUndefined();
    },
  },
  {
    name: 'a held message that is published again stays held, and is there once',
    async run(bench) {
      const message = await bench.publish({ held: true });
      await bench.broker.publish([{ ...message, held: false }]);
      expect(await bench.counts()).toMatchObject({ waiting: 0, blocked: 1 });
    },
  },
  {
    name: 'promotions wake a worker that waits for work',
    async run(bench) {
      const ids = await bench.publishMany(5, () => ({ held: true }));
      const probe = await bench.probe({ slots: 5 });
      await bench.publish();
      await probe.arrived(1);
      for (const [index, id] of ids.entries()) {
        const start = performance.now();
        await promote(bench, { queue, id, first: index % 2 === 0 });
        await probe.arrived(index + 2);
        expect(performance.now() - start).toBeLessThan(1_000);
      }
    },
  },
  {
    name: 'a delivery tells that it was settled, and whether its message is gone',
    async run(bench) {
      const info: boolean[] = [];
      const answers: Settlement[] = [];
      const reason = { name: 'Error', message: 'refused' };
      const probe = await bench.probe({
        handle: (delivery): Settlement => {
          delivery.onSettled((over) => info.push(over));
          return answers.shift() ?? ack;
        },
      });
      answers.push({ kind: 'release' }, { kind: 'deadLetter', reason }, ack);
      await bench.publishMany(2);
      await until(() => info.length === 3, { what: () => `three settlements, got ${info}` });
      expect(info).toEqual([false, true, true]);
      const message = await bench.publish();
      await until(() => info.length === 4, { what: 'the ack' });
      expect(await bench.place(message.id)).toBeUndefined();
      answers.push({ kind: 'retryAt', message, at: Date.now() });
      await bench.broker.publish([message]);
      await until(() => info.length === 6, { what: () => `a retry and an ack, got ${info}` });
      expect(info.slice(4)).toEqual([false, true]);
      expect(probe.errors).toEqual([]);
    },
  },
  {
    name: 'a delivery whose lease was lost is not told that it was settled',
    async run(bench) {
      const info: boolean[] = [];
      let lost = false;
      const probe = await bench.probe({
        slots: 2,
        lease: bench.harness.fastLease,
        handle: async (delivery) => {
          if (lost) return ack;
          lost = true;
          delivery.onSettled((over) => info.push(over));
          await bench.loseLease(delivery.message.id);
          await new Promise<void>((resolve) => delivery.onLeaseLost(resolve));
          return ack;
        },
      });
      await bench.publish();
      await probe.arrived(2);
      await bench.emptied();
      expect(info).toEqual([]);
    },
  },
];
