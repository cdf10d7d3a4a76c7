import { expect } from 'vitest';
import { sleep, systemClock } from '../../../clock.ts';
import type { Settlement } from '../../../driver/broker.ts';
import { type Deferred, deferred, until, within } from '../../until.ts';
import type { ConformanceCase } from '../suite.ts';
import { ack, type BrokerBench, queue } from './broker-bench.ts';

/** Handlers that wait at a gate, and how many stood there at once. */
class Gate {
  running = 0;
  most = 0;
  readonly opened: Deferred<void> = deferred();

  readonly handle = async (): Promise<Settlement> => {
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    await this.opened.promise;
    await sleep(systemClock, 5); // long enough for one too many to show
    this.running -= 1;
    return ack;
  };

  async reached(count: number): Promise<void> {
    await until(() => this.running >= count, { what: () => `${count} handlers at once, got ${this.running}` });
  }
}

export const brokerConsumerCases: readonly ConformanceCase<BrokerBench>[] = [
  {
    name: 'slots are shared by all queues of a consumer',
    async run(bench) {
      const gate = new Gate();
      const queues = ['alpha', 'beta', 'gamma'];
      const probe = await bench.probe({ queues, slots: 4, handle: gate.handle });
      await bench.publishMany(18, (index) => ({ queue: queues[index % 3] as string }));
      await gate.reached(4);
      gate.opened.resolve();
      await probe.arrived(18);
      for (const name of queues) await bench.emptied(name);
      expect(gate.most).toBe(4);
    },
  },
  {
    name: 'setSlots raises the number of deliveries at once',
    async run(bench) {
      const gate = new Gate();
      const probe = await bench.probe({ handle: gate.handle });
      await bench.publishMany(8);
      await gate.reached(1);
      probe.consumer.setSlots(3);
      await gate.reached(3);
      gate.opened.resolve();
      await probe.arrived(8);
      await bench.emptied();
      expect(gate.most).toBe(3);
    },
  },
  {
    name: 'setSlots lowers the number of deliveries at once and lets running ones end',
    async run(bench) {
      const first = new Gate();
      const later = new Gate();
      later.opened.resolve();
      let started = 0;
      const handle = () => (++started <= 4 ? first.handle() : later.handle());
      const probe = await bench.probe({ slots: 4, handle });
      await bench.publishMany(12);
      await first.reached(4);
      probe.consumer.setSlots(1);
      expect(first.running).toBe(4);
      first.opened.resolve();
      await probe.arrived(12);
      await bench.emptied();
      expect(later.most).toBe(1);
    },
  },
  {
    name: 'addQueue starts and repeats without harm',
    async run(bench) {
      const probe = await bench.probe({ queues: ['alpha'] });
      const early = await bench.publish({ queue: 'beta' });
      await probe.consumer.addQueue('beta');
      await probe.consumer.addQueue('beta');
      await probe.arrived(1);
      const later = await bench.publish({ queue: 'beta' });
      const alpha = await bench.publish({ queue: 'alpha' });
      await probe.arrived(3);
      expect(new Set(probe.ids())).toEqual(new Set([early.id, later.id, alpha.id]));
    },
  },
  {
    name: 'removeQueue stops fetching from that queue only',
    async run(bench) {
      const probe = await bench.probe({ queues: ['alpha', 'beta'], slots: 5 });
      await bench.publish({ queue: 'beta' });
      await probe.arrived(1);
      await probe.consumer.removeQueue('beta');
      await probe.consumer.removeQueue('unknown');
      const ids = await bench.publishMany(3, () => ({ queue: 'beta' }));
      const alpha = await bench.publish({ queue: 'alpha' });
      await probe.arrived(2);
      const other = await bench.probe({ queues: ['beta'] });
      await other.arrived(3);
      expect(other.ids()).toEqual(ids);
      expect(probe.ids().slice(1)).toEqual([alpha.id]);
    },
  },
  {
    name: 'removeQueue lets deliveries under way settle',
    async run(bench) {
      const gate = new Gate();
      const probe = await bench.probe({ queues: ['alpha', 'beta'], handle: gate.handle });
      const { id } = await bench.publish({ queue: 'beta' });
      await gate.reached(1);
      await probe.consumer.removeQueue('beta');
      gate.opened.resolve();
      await bench.emptied('beta');
      expect(await bench.place(id)).toBeUndefined();
    },
  },
  {
    name: 'a paused consumer takes nothing until it is resumed',
    async run(bench) {
      const paused = await bench.probe({ slots: 5 });
      await bench.publish();
      await paused.arrived(1);
      paused.consumer.pause();
      const other = await bench.probe();
      const ids = await bench.publishMany(3);
      await other.arrived(3);
      await other.consumer.close(1000);
      expect([...other.ids()].sort()).toEqual([...ids].sort()); // one that the paused consumer was just being handed comes last
      const last = await bench.publish();
      paused.consumer.resume();
      await paused.arrived(2);
      expect(paused.ids().slice(1)).toEqual([last.id]);
    },
  },
  {
    name: 'a delivery that rejects does not stop the consumer, and its message comes again',
    async run(bench) {
      let failures = 0;
      const probe = await bench.probe({
        lease: bench.harness.fastLease,
        handle: ({ message }) => {
          if (message.args[0] === 'bad' && ++failures === 1) throw new Error('this must never happen');
          return ack;
        },
      });
      const bad = await bench.publish({ args: ['bad'] });
      const good = await bench.publish({ args: ['good'] });
      await until(() => probe.ids().includes(good.id), { what: 'the message after it' });
      expect(probe.errors.length).toBeGreaterThan(0);
      await until(() => probe.ids().filter((id) => id === bad.id).length === 2, { timeout: 30_000 });
    },
  },
  {
    name: 'close waits for deliveries under way',
    async run(bench) {
      const gate = new Gate();
      const probe = await bench.probe({ slots: 2, handle: gate.handle });
      await bench.publishMany(5);
      await gate.reached(2);
      const closing = probe.consumer.close(10_000);
      gate.opened.resolve();
      expect(await within(closing)).toEqual({ released: 0, abandoned: 0 });
      expect(probe.deliveries).toHaveLength(2);
      expect(await bench.counts()).toMatchObject({ waiting: 3, running: 0 });
    },
  },
  {
    name: 'close ends by its deadline and hands back unspent what still runs',
    async run(bench) {
      const never = deferred<Settlement>();
      const probe = await bench.probe({ handle: () => never.promise });
      const { id } = await bench.publish();
      await probe.arrived(1);
      const start = performance.now();
      const report = await within(probe.consumer.close(300));
      expect(performance.now() - start).toBeLessThan(2500);
      expect(report).toEqual({ released: 1, abandoned: 0 });
      const next = await bench.probe();
      await next.arrived(1);
      expect(next.deliveries[0]).toMatchObject({ message: { id }, deliveryCount: 1, returned: true });
    },
  },
  {
    name: 'close may be called twice and before anything came',
    async run(bench) {
      const probe = await bench.probe();
      const reports = await within(Promise.all([probe.consumer.close(1000), probe.consumer.close(1000)]));
      expect(reports).toEqual([
        { released: 0, abandoned: 0 },
        { released: 0, abandoned: 0 },
      ]);
      expect(await probe.consumer.close(0)).toEqual({ released: 0, abandoned: 0 });
    },
  },
  {
    name: 'a second close with a nearer deadline ends sooner',
    async run(bench) {
      const never = deferred<Settlement>();
      const probe = await bench.probe({ handle: () => never.promise });
      await bench.publish();
      await probe.arrived(1);
      const slow = probe.consumer.close(60_000);
      expect(await within(probe.consumer.close(100), { timeout: 5000 })).toEqual({ released: 1, abandoned: 0 });
      expect(await within(slow, { timeout: 1000 })).toEqual({ released: 1, abandoned: 0 });
    },
  },
  {
    name: 'a closed consumer takes nothing more',
    async run(bench) {
      const closed = await bench.probe();
      await closed.consumer.close(1000);
      const { id } = await bench.publish();
      const other = await bench.probe();
      await other.arrived(1);
      expect(other.ids()).toEqual([id]);
      expect(closed.deliveries).toHaveLength(0);
    },
  },
  {
    name: 'a closed broker refuses to publish and to consume',
    async run(bench) {
      await bench.broker.close();
      await bench.broker.close();
      await expect(within(bench.publish())).rejects.toThrow();
      await expect(within(bench.probe())).rejects.toThrow();
    },
  },
  {
    name: 'polls are counted while there is a slot to fill, by queue',
    async run(bench) {
      const gate = new Gate();
      const { consumer } = await bench.probe({ queues: ['alpha', 'beta'], handle: gate.handle });
      const polls = (): number[] => ['alpha', 'beta'].map((name) => consumer.polls?.().get(name) ?? -1);
      await until(() => polls().every((count) => count > 0), { what: 'both queues to be polled' });
      const before = polls();
      await bench.publish();
      await gate.reached(1);
      expect([...(consumer.polls?.() ?? [])]).toEqual([]); // no slot free
      gate.opened.resolve();
      await until(() => polls().some((count, at) => count > (before[at] as number)), { what: 'the next poll' });
      consumer.pause();
      expect([...(consumer.polls?.() ?? [])]).toEqual([]);
      consumer.resume();
      await until(() => polls().every((count) => count > 0), { what: 'both queues again' });
    },
  },
  {
    name: 'a consumer that is made anew keeps its deliveries, its count of polls, and goes on',
    async run(bench) {
      const gate = new Gate();
      const probe = await bench.probe({ slots: 2, handle: gate.handle });
      let lost = 0;
      const first = await bench.publish();
      await gate.reached(1);
      probe.deliveries[0]?.onLeaseLost(() => {
        lost += 1;
      });
      const before = probe.consumer.polls?.().get(queue) ?? 0;
      await within(probe.consumer.rebuild?.() ?? Promise.resolve());
      expect(probe.consumer.polls?.().get(queue) ?? 0).toBeGreaterThanOrEqual(before);
      const second = await bench.publish();
      await gate.reached(2);
      gate.opened.resolve();
      await bench.emptied();
      expect(probe.ids()).toEqual([first.id, second.id]);
      expect(lost).toBe(0);
      await within(probe.consumer.rebuild?.() ?? Promise.resolve());
      probe.consumer.setSlots(3);
      await bench.publishMany(5);
      await probe.arrived(7);
    },
  },
];
