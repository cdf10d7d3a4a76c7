import { expect } from 'vitest';
import { deferred, until } from '../../until.ts';
import type { ConformanceCase } from '../suite.ts';
import { ack, type BrokerBench, type Probe, queue } from './broker-bench.ts';

export const brokerPauseCases: readonly ConformanceCase<BrokerBench>[] = [
  {
    name: 'a paused queue accepts messages and hands none out until it is resumed; what runs and other queues go on',
    async run(bench) {
      const gate = deferred();
      const probe = await bench.probe({
        queues: [queue, 'beta'],
        slots: 3,
        handle: ({ queue: of }) => (of === queue ? gate.promise.then(() => ack) : ack),
      });
      const running = await bench.publish();
      await probe.arrived(1);
      await pause(bench, true);
      const waiting = await bench.publishMany(3, (index) => ({ priority: index }));
      await rounds(bench, probe);
      // a driver may have handed some to a consumer that waited, which gives them back
      await until(async () => (await bench.counts()).waiting === 3, { what: 'all of them to wait' });
      expect(await bench.counts()).toMatchObject({ waiting: 3, running: 1, paused: true });
      gate.resolve();
      await until(async () => (await bench.counts()).running === 0, { what: 'what ran to end' });
      await rounds(bench, probe);
      expect(idsOf(probe)).toEqual([running.id]);
      await pause(bench, false);
      await bench.emptied();
      expect(idsOf(probe).slice(1).sort()).toEqual([...waiting].sort());
      expect(await bench.counts()).toMatchObject({ paused: false });
      expect(probe.deliveries.map(({ deliveryCount }) => deliveryCount)).toEqual(probe.deliveries.map(() => 1));
    },
  },
  {
    name: 'what is published after a pause is not handed to consumers that wait already, however often that is tried',
    async run(bench) {
      const probes = [await bench.probe({ slots: 20 }), await bench.probe({ slots: 20 })];
      const got = (): number => probes.reduce((sum, { deliveries }) => sum + deliveries.length, 0);
      for (let round = 1; round <= 10; round += 1) {
        await pause(bench, true);
        await bench.publish({ priority: round % 3 });
        await settled();
        expect(got()).toBe(round - 1);
        await pause(bench, false);
        await until(() => got() === round, { what: 'it to run' });
        await bench.emptied();
      }
    },
  },
  {
    name: 'a consumer in full swing stops at a pause, and loses nothing',
    async run(bench) {
      const probe = await bench.probe({ slots: 50 });
      const ids = await bench.publishMany(3_000);
      await probe.arrived(100);
      await pause(bench, true);
      await until(async () => (await bench.counts()).running === 0, { what: 'what runs to end' });
      const { waiting } = await bench.counts();
      const begun = probe.deliveries.length;
      expect(waiting + begun).toBe(3_000);
      await settled();
      expect(probe.deliveries).toHaveLength(begun);
      await pause(bench, false);
      await bench.emptied();
      expect([...probe.ids()].sort()).toEqual([...ids].sort());
    },
  },
  {
    name: 'a queue that is paused before its first message is known, and paused for later consumers of other connections',
    async run(bench) {
      await pause(bench, true);
      expect(await bench.monitor.queues()).toEqual([queue]);
      const other = await bench.harness.another();
      const probe = await bench.probe({ connection: other });
      const { id } = await bench.publish();
      await settled();
      expect(probe.deliveries).toEqual([]);
      expect(await other.monitor?.counts([queue])).toMatchObject([{ waiting: 1, paused: true }]);
      expect(await bench.place(id)).toBe('waiting');
      await other.monitor?.setPaused?.(queue, false);
      await probe.arrived(1);
    },
  },
  {
    name: 'what becomes due, is retried or is handed back in a paused queue waits there',
    async run(bench) {
      const gate = deferred();
      let retried = false;
      const probe = await bench.probe({
        slots: 2,
        handle: async ({ message }) => {
          if (retried) return ack;
          await gate.promise;
          return message.priority === 1 ? { kind: 'release' } : { kind: 'retryAt', message, at: Date.now() };
        },
      });
      await bench.publish({ priority: 1 });
      await bench.publish();
      await probe.arrived(2);
      await pause(bench, true);
      const at = Date.now() + 50;
      await bench.publish({ eta: at });
      gate.resolve();
      await until(async () => (await bench.counts()).running === 0 && Date.now() > at + 50, { what: 'the retry' });
      await settled();
      expect(probe.deliveries).toHaveLength(2);
      retried = true;
      await pause(bench, false);
      await probe.arrived(5);
      await bench.emptied();
    },
  },
  {
    name: 'pausing twice is pausing once, resuming what is not paused does nothing, and purge empties a paused queue',
    async run(bench) {
      await pause(bench, false);
      const probe = await bench.probe();
      await pause(bench, true);
      await pause(bench, true);
      const { id } = await bench.publish();
      expect(await bench.monitor.purge(queue)).toEqual([id]);
      expect(await bench.counts()).toMatchObject({ waiting: 0, paused: true });
      await pause(bench, false);
      await pause(bench, false);
      await bench.publish();
      await probe.arrived(1);
    },
  },
];

async function pause({ monitor }: BrokerBench, paused: boolean): Promise<void> {
  expect(monitor.setPaused, 'setPaused (skip the case with a reason)').toBeDefined();
  await monitor.setPaused?.(queue, paused);
}

const idsOf = ({ deliveries }: Probe): string[] =>
  deliveries.filter(({ queue: of }) => of === queue).map(({ message }) => message.id);

/** Lets the consumer take messages of another queue, one after the other: it had every chance to take others. */
async function rounds(bench: BrokerBench, probe: Probe): Promise<void> {
  for (let round = 0; round < 5; round += 1) {
    const before = probe.deliveries.length;
    await bench.publish({ queue: 'beta' });
    await probe.arrived(before + 1);
  }
}

/** Nothing tells that nothing comes: a moment in which it would have, many times over. */
async function settled(): Promise<void> {
  const until = performance.now() + 40;
  while (performance.now() < until) await new Promise((resolve) => setImmediate(resolve));
}
