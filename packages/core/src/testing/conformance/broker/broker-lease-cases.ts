import { expect, vi } from 'vitest';
import { sleep, systemClock } from '../../../clock.ts';
import type { Delivery, Settlement } from '../../../driver/broker.ts';
import type { LeaseGuardModule, LeaseGuardPlan } from '../../../driver/lease-guard.ts';
import type { Message } from '../../../message/message.ts';
import { type Deferred, deferred, until, within } from '../../until.ts';
import type { ConformanceCase } from '../suite.ts';
import { ack, ackWith, type BrokerBench, createMessage, type Probe, successOf } from './broker-bench.ts';

/** How long the message of a lost lease may take to come again. Late is tolerated: machines are busy. */
const redelivery = 30_000;

/** A message whose first holder lost its lease, and which a second one has now. */
interface LostLease {
  readonly id: string;
  readonly holder: Probe;
  readonly heir: Probe;
  /** Settles the first holder's delivery, too late. */
  readonly stale: Deferred<Settlement>;
  /** Settles the second holder's delivery. */
  readonly fresh: Deferred<Settlement>;
  /** Resolves when the first holder is told. */
  readonly info: Promise<void>;
}

async function takeLeaseAway(bench: BrokerBench): Promise<LostLease> {
  const stale = deferred<Settlement>();
  const fresh = deferred<Settlement>();
  const info = deferred();
  const lease = bench.harness.fastLease;
  const { id } = createMessage();
  const holder = await bench.probe({
    lease,
    handle: (delivery) => {
      if (delivery.message.id !== id) return ack;
      delivery.onLeaseLost(info.resolve);
      return stale.promise;
    },
  });
  await bench.publish({ id });
  await holder.arrived(1);
  const connection = await bench.harness.another();
  const handle = ({ message }: Delivery) => (message.id === id ? fresh.promise : ack);
  const heir = await bench.probe({ lease, connection, handle });
  await bench.loseLease(id);
  await until(() => heir.deliveries.length > 0, { timeout: redelivery, what: 'the redelivery' });
  return { id, holder, heir, stale, fresh, info: info.promise };
}

/** Takes a message away from whoever has it; resolves with its next delivery. */
async function heldAgain(bench: BrokerBench, id: string): Promise<Delivery> {
  const handle = (): Promise<Settlement> => new Promise(() => {}); // until its consumer closes
  const probe = await bench.probe({
    lease: bench.harness.fastLease,
    connection: await bench.harness.another(),
    handle,
  });
  await bench.loseLease(id);
  await until(() => probe.deliveries.length > 0, { timeout: redelivery, what: 'the next delivery' });
  return probe.deliveries[0] as Delivery;
}

/** The first holder settles too late: the message stays with the second, and runs no third time. */
async function changesNothing(bench: BrokerBench, settle: (message: Message) => Settlement): Promise<void> {
  const { id, holder, heir, stale, fresh } = await takeLeaseAway(bench);
  stale.resolve(settle((holder.deliveries[0] as Delivery).message));
  const marker = await bench.publish();
  await until(() => holder.ids().includes(marker.id), { what: 'the first holder to go on' });
  expect(await bench.place(id)).toBe('running');
  fresh.resolve(ack);
  await bench.emptied();
  expect(await bench.counts()).toMatchObject({ dead: 0 });
  expect([holder.ids(), heir.ids()]).toEqual([[id, marker.id], [id]]);
}

export const brokerLeaseCases: readonly ConformanceCase<BrokerBench>[] = [
  {
    name: 'a delivery that takes longer than its lease is renewed, not redelivered',
    async run(bench) {
      const lease = bench.harness.fastLease;
      const gate = deferred();
      let lost = 0;
      const handle = async (delivery: Delivery): Promise<Settlement> => {
        delivery.onLeaseLost(() => {
          lost += 1;
        });
        await gate.promise;
        return ack;
      };
      const holder = await bench.probe({ lease, handle });
      const { id } = await bench.publish();
      await holder.arrived(1);
      const other = await bench.probe({ lease, connection: await bench.harness.another() });
      await sleep(systemClock, 2.5 * lease.leaseDuration + 2 * lease.orphanInterval);
      expect(await bench.place(id)).toBe('running');
      gate.resolve();
      await bench.emptied();
      expect(lost).toBe(0);
      expect([...holder.ids(), ...other.ids()]).toEqual([id]);
    },
  },
  {
    name: 'a lease lasts as long as its holder wants, whatever another consumer of the queue wants',
    async run(bench) {
      const gate = deferred();
      const lease = { leaseDuration: 20_000, orphanInterval: 10_000 };
      const holder = await bench.probe({ lease, handle: () => gate.promise.then(() => ack) });
      const { id } = await bench.publish();
      await holder.arrived(1);
      const short = bench.harness.fastLease;
      const other = await bench.probe({ lease: short, connection: await bench.harness.another() });
      await sleep(systemClock, short.leaseDuration + 2 * short.orphanInterval);
      expect(await bench.place(id)).toBe('running');
      gate.resolve();
      await bench.emptied();
      expect([...holder.ids(), ...other.ids()]).toEqual([id]);
    },
  },
  {
    name: 'a message whose lease is lost comes again with deliveryCount 2',
    async run(bench) {
      const { id, heir, stale, fresh } = await takeLeaseAway(bench);
      expect(heir.deliveries[0]).toMatchObject({ message: { id }, deliveryCount: 2 });
      stale.resolve(ack);
      fresh.resolve(ack);
      await bench.emptied();
    },
  },
  {
    name: 'the holder of a lost lease is told, once for each listener and at once when it asks late',
    async run(bench) {
      const { holder, stale, fresh, info } = await takeLeaseAway(bench);
      await within(info, { timeout: redelivery, what: 'onLeaseLost' });
      let calls = 0;
      holder.deliveries[0]?.onLeaseLost(() => {
        calls += 1;
      });
      expect(calls).toBe(1);
      stale.resolve(ack);
      fresh.resolve(ack);
      await bench.emptied();
      expect(calls).toBe(1);
    },
  },
  {
    name: 'a stale ack stores nothing and removes nothing',
    async run(bench) {
      expect(bench.connection.acksWithOutcome, 'skip this case: the driver acks without outcomes').toBe(true);
      const { id, holder, stale, fresh } = await takeLeaseAway(bench);
      stale.resolve(ackWith(id, 'stale'));
      const marker = await bench.publish(); // only the first holder is free for it, once its stale ack is through
      await until(() => holder.ids().includes(marker.id), { what: 'the first holder to go on' });
      expect(await bench.record(id)).toBeUndefined();
      expect(await bench.place(id)).toBe('running');
      fresh.resolve(ackWith(id, 'fresh'));
      await bench.emptied();
      expect(await bench.record(id)).toMatchObject({ value: 'fresh' });
    },
  },
  {
    name: 'a stale ack with a join stores nothing, records nothing and asks nothing',
    async run(bench) {
      expect(bench.connection.acksWithJoin, 'skip this case: the driver acks without joins').toBe(true);
      const { id, holder, stale, fresh } = await takeLeaseAway(bench);
      const member = { groupId: id, ttl: 60_000 };
      const follow = vi.fn(async () => ack);
      const outcome = { record: successOf(id, 'stale'), ttl: 60_000 };
      stale.resolve({ kind: 'ack', outcome, join: { ...member, index: 0, size: 1, follow } });
      const marker = await bench.publish(); // only the first holder is free for it, once its stale ack is through
      await until(() => holder.ids().includes(marker.id), { what: 'the first holder to go on' });
      expect(await bench.record(id)).toBeUndefined();
      expect(await bench.results.join({ ...member, index: 1, size: 2, succeeded: true })).toMatchObject({ done: 1 });
      fresh.resolve(ack);
      await bench.emptied();
      expect(follow).not.toHaveBeenCalled();
    },
  },
  {
    name: 'a stale deadLetter parks nothing',
    run: (bench) => changesNothing(bench, () => ({ kind: 'deadLetter', reason: { name: 'Reject', message: 'stale' } })),
  },
  {
    name: 'a stale release hands nothing back',
    run: (bench) => changesNothing(bench, () => ({ kind: 'release' })),
  },
  {
    name: 'a stale retryAt replaces nothing',
    run: (bench) =>
      changesNothing(bench, (message) => ({ kind: 'retryAt', at: 0, message: { ...message, retries: 9 } })),
  },
  {
    name: 'deliveryCount is kept over a release that follows a lost lease',
    async run(bench) {
      const { heir, stale, fresh } = await takeLeaseAway(bench);
      await heir.consumer.close(0); // hands it back unspent
      const next = await bench.probe();
      await next.arrived(1);
      expect(next.deliveries[0]?.deliveryCount).toBe(2);
      stale.resolve(ack);
      fresh.resolve(ack);
    },
  },
  {
    name: 'a late ack of a consumer that has closed changes nothing',
    async run(bench) {
      const late = deferred<Settlement>();
      const closed = await bench.probe({ handle: () => late.promise });
      const { id } = await bench.publish();
      await closed.arrived(1);
      expect(await within(closed.consumer.close(50))).toEqual({ released: 1, abandoned: 0 });
      const gate = deferred<Settlement>();
      const next = await bench.probe({ handle: () => gate.promise });
      await next.arrived(1);
      late.resolve(ackWith(id, 'late'));
      await late.promise;
      const connection = await bench.harness.another();
      const marker = await bench.publish();
      const witness = await bench.probe({ connection });
      await witness.arrived(1);
      expect(witness.ids()).toEqual([marker.id]);
      expect(await bench.place(id)).toBe('running');
      expect(await bench.record(id)).toBeUndefined();
      gate.resolve(ack);
      await bench.emptied();
    },
  },
  {
    name: 'a lost lease frees no slot before the handler ends',
    async run(bench) {
      const { holder, heir, stale, fresh } = await takeLeaseAway(bench);
      const ids = await bench.publishMany(2);
      fresh.resolve(ack);
      await heir.arrived(3);
      expect(heir.ids().slice(1)).toEqual(ids);
      expect(holder.deliveries).toHaveLength(1);
      stale.resolve(ack);
      await bench.emptied();
    },
  },
  {
    name: 'a lost delivery counts as a start when it said that it began, once, unless that was undone',
    async run(bench) {
      const { id, heir, stale, fresh } = await takeLeaseAway(bench);
      const second = heir.deliveries[0] as Delivery;
      const lost = deferred();
      second.onLeaseLost(lost.resolve);
      expect([await second.recordStart?.(), await second.recordStart?.()]).toEqual([0, 0]);
      const third = await heldAgain(bench, id);
      expect(third.deliveryCount).toBe(3);
      await within(lost.promise, { timeout: redelivery, what: 'onLeaseLost' });
      await second.undoStart?.(); // too late
      expect(await third.recordStart?.()).toBe(1);
      await third.undoStart?.();
      const fourth = await heldAgain(bench, id);
      expect([fourth.deliveryCount, await fourth.recordStart?.()]).toEqual([4, 1]);
      stale.resolve(ack);
      fresh.resolve(ack);
    },
  },
  {
    name: 'a lease guard renews what its consumer holds, and nothing else',
    async run(bench) {
      const { queues, hold } = { queues: ['alpha', 'beta'], hold: () => new Promise<Settlement>(() => {}) };
      const lease = { leaseDuration: 60_000, orphanInterval: 10_000 };
      const ours = await bench.probe({ queues, slots: 2, lease, handle: hold });
      for (const name of queues) await bench.publish({ queue: name });
      await ours.arrived(2);
      const theirs = await bench.probe({ lease, handle: hold, connection: await bench.harness.another() });
      await bench.publishMany(1);
      await theirs.arrived(1);
      await ours.consumer.removeQueue('beta');
      const plan = ours.consumer.leaseGuard?.();
      expect(plan, 'skip this case: the driver needs no guard').toBeDefined();
      const { module, data } = plan as LeaseGuardPlan;
      const { createLeaseGuard } = (await import(/* @vite-ignore */ module as string)) as LeaseGuardModule;
      const guard = createLeaseGuard(structuredClone(data));
      expect(await guard.renew()).toBe(2);
      await ours.consumer.close(0);
      expect(await guard.renew()).toBe(0);
      guard.close();
    },
  },
];
