import { expect } from 'vitest';
import type { Delivery, Settlement } from '../../../driver/broker.ts';
import type { ConformanceCase } from '../suite.ts';
import { ack, ackWith, type BrokerBench } from './broker-bench.ts';

/** Long enough to be told from "at once" on a busy machine. */
const delay = 300;

/** Gives the first delivery this settlement, and acks later ones; `times` holds when each came. */
function firstThenAck(settle: (delivery: Delivery) => Settlement): {
  readonly times: number[];
  readonly handle: (delivery: Delivery) => Settlement;
} {
  const times: number[] = [];
  return {
    times,
    handle: (delivery) => (times.push(Date.now()) === 1 ? settle(delivery) : ack),
  };
}

export const brokerTimeCases: readonly ConformanceCase<BrokerBench>[] = [
  {
    name: 'a message with an eta is not delivered early',
    async run(bench) {
      const late: number[] = [];
      const handle = ({ message }: Delivery): Settlement => {
        late.push(Date.now() - (message.eta as number));
        return ack;
      };
      const probe = await bench.probe({ slots: 5, handle });
      await bench.publishMany(5, (index) => ({ eta: Date.now() + 100 + index * 50 }));
      await probe.arrived(5);
      for (const ms of late) expect(ms).toBeGreaterThanOrEqual(0);
    },
  },
  {
    name: 'messages with an eta come in the order of their times',
    async run(bench) {
      const start = Date.now();
      const ids = await bench.publishMany(4, (index) => ({ eta: start + 200 + (3 - index) * 100 }));
      const probe = await bench.probe();
      await probe.arrived(4);
      expect(probe.ids()).toEqual(ids.reverse());
    },
  },
  {
    name: 'ids that look like numbers are ids, due or delayed, retried or removed',
    async run(bench) {
      const ids = ['-1001234567890', '-5.5', '-1e3', '-.5', '-1', '0', '7', '1e3', '-Infinity', 'NaN', '0:1'];
      const due = ids.map((id) => `${id}0`);
      await bench.publishMany(ids.length, (index) => ({ id: ids[index] as string, eta: Date.now() + delay }));
      await bench.publishMany(due.length, (index) => ({ id: due[index] as string, queue: 'beta' }));
      const kept = await bench.publish({ id: '-77', eta: Date.now() + 60_000 });
      expect(await bench.monitor.remove?.(['-77'], ['alpha'])).toEqual([true]);
      const retried = new Set<string>();
      const probe = await bench.probe({
        queues: ['alpha', 'beta'],
        slots: 5,
        handle: ({ message }) => {
          if (retried.has(message.id)) return ackWith(message.id, 'done');
          retried.add(message.id);
          return { kind: 'retryAt', at: Date.now() + 1, message: { ...message, retries: 1 } };
        },
      });
      await probe.arrived(2 * (ids.length + due.length));
      await bench.emptied();
      await bench.emptied('beta');
      expect(probe.ids()).not.toContain(kept.id);
      expect([...new Set(probe.ids())].sort()).toEqual([...ids, ...due].sort());
      for (const id of ids) expect((await bench.record(id))?.state).toBe('SUCCESS');
    },
  },
  {
    name: 'an eta that has passed is no delay',
    async run(bench) {
      const probe = await bench.probe();
      await bench.publish({ eta: Date.now() - 60_000 });
      await probe.arrived(1);
    },
  },
  {
    name: 'messages that wait for their eta keep no slot and let others pass',
    async run(bench) {
      const probe = await bench.probe();
      const later = await bench.publish({ eta: Date.now() + 1000, priority: 9 });
      const now = await bench.publish({ priority: 0 });
      await probe.arrived(2);
      expect(probe.ids()).toEqual([now.id, later.id]);
    },
  },
  {
    name: 'a delayed message survives the consumer that was there',
    async run(bench) {
      const first = await bench.probe();
      const { id } = await bench.publish({ eta: Date.now() + 1000 });
      await first.consumer.close(1000);
      const second = await bench.probe();
      await second.arrived(1);
      expect(second.ids()).toEqual([id]);
      expect(first.deliveries).toHaveLength(0);
    },
  },
  {
    name: 'retryAt replaces the message and is not early',
    async run(bench) {
      let at = 0;
      const { times, handle } = firstThenAck(({ message }) => {
        at = Date.now() + delay;
        return { kind: 'retryAt', at, message: { ...message, retries: message.retries + 1, args: ['again'] } };
      });
      const probe = await bench.probe({ handle });
      const message = await bench.publish({ headers: { trace: 'abc' } });
      await probe.arrived(2);
      expect(times[1]).toBeGreaterThanOrEqual(at);
      expect(probe.deliveries[1]?.message).toEqual({ ...message, retries: 1, args: ['again'] });
      expect(probe.deliveries[1]?.deliveryCount).toBe(1);
      await bench.emptied();
    },
  },
  {
    name: 'retryAt of a moment that has passed runs at once',
    async run(bench) {
      const { handle } = firstThenAck(({ message }) => ({
        kind: 'retryAt',
        at: Date.now() - 1000,
        message: { ...message, retries: 1 },
      }));
      const probe = await bench.probe({ handle });
      await bench.publish();
      await probe.arrived(2);
      expect(probe.deliveries[1]?.message.retries).toBe(1);
    },
  },
  {
    name: 'a message that waits for its retry is delayed and keeps its id',
    async run(bench) {
      const { handle } = firstThenAck(({ message }) => ({ kind: 'retryAt', at: Date.now() + 60_000, message }));
      const probe = await bench.probe({ handle });
      const { id } = await bench.publish();
      const marker = await bench.publish();
      await probe.arrived(2);
      expect(probe.ids()).toEqual([id, marker.id]);
      expect(await bench.place(id)).toBe('delayed');
    },
  },
  {
    name: 'retries may follow one another many times',
    async run(bench) {
      const probe = await bench.probe({
        handle: ({ message }) =>
          message.retries === 20
            ? ack
            : { kind: 'retryAt', at: Date.now(), message: { ...message, retries: message.retries + 1 } },
      });
      await bench.publish();
      await probe.arrived(21);
      await bench.emptied();
      expect(probe.deliveries.map((delivery) => delivery.message.retries)).toEqual([...Array(21).keys()]);
    },
  },
  {
    name: 'release hands a message back at once and unspent',
    async run(bench) {
      const { handle } = firstThenAck(() => ({ kind: 'release' }));
      const probe = await bench.probe({ handle });
      const message = await bench.publish();
      await probe.arrived(2);
      expect(probe.deliveries[1]?.message).toEqual(message);
      expect(probe.deliveries[1]?.deliveryCount).toBe(1);
      expect(probe.deliveries.map(({ returned = false }) => returned)).toEqual([false, true]);
    },
  },
  {
    name: 'release at a moment is not early and unspent',
    async run(bench) {
      let at = 0;
      const { times, handle } = firstThenAck(() => {
        at = Date.now() + delay;
        return { kind: 'release', at };
      });
      const probe = await bench.probe({ handle });
      const message = await bench.publish();
      await probe.arrived(2);
      expect(times[1]).toBeGreaterThanOrEqual(at);
      expect(probe.deliveries[1]?.message).toEqual(message);
      expect(probe.deliveries[1]?.deliveryCount).toBe(1);
    },
  },
];
