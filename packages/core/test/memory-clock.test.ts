import { describe, expect, it } from 'vitest';
import type { Clock } from '../src/clock.ts';
import type { Settlement } from '../src/driver/broker.ts';
import { createTestClock, deferred, loseLease } from '../src/testing.ts';
import { ack, acking, consume, createMessage, openMemory } from './memory-context.ts';

describe('the memory broker on a test clock', () => {
  it('delivers at the very millisecond of the eta', async () => {
    const clock = createTestClock();
    const connection = openMemory(clock);
    const times: number[] = [];
    await consume(
      connection,
      acking(() => times.push(clock.now())),
    );
    const day = 86_400_000;
    const etas = [50, 1, 49, day, 50].map((ms) => clock.now() + ms);
    await connection.broker.publish(etas.map((eta) => createMessage({ eta })));
    await clock.advance(0);
    expect(times).toEqual([]);
    await clock.advance(2 * day);
    expect(times).toEqual([...etas].sort((a, b) => a - b));
    await connection.close(0);
  });

  it('promotes a delayed message that nobody waits for when somebody looks', async () => {
    const clock = createTestClock();
    const connection = openMemory(clock);
    const message = createMessage({ eta: clock.now() + 100 });
    await connection.broker.publish([message]);
    expect(clock.pending).toBe(0);
    expect(await connection.monitor.locate([message.id])).toEqual(['delayed']);
    await clock.advance(100);
    expect(await connection.monitor.locate([message.id])).toEqual(['waiting']);
    expect(await connection.monitor.counts(['q'])).toMatchObject([{ waiting: 1, delayed: 0 }]);
  });

  it('renews the lease of a handler that runs for days', async () => {
    const clock = createTestClock();
    const connection = openMemory(clock);
    const gate = deferred<Settlement>();
    let deliveries = 0;
    let lost = 0;
    const deliver = (delivery: { onLeaseLost(listener: () => void): void }): Promise<Settlement> => {
      deliveries += 1;
      delivery.onLeaseLost(() => {
        lost += 1;
      });
      return gate.promise;
    };
    await consume(connection, deliver, { slots: 2 });
    await consume(connection, deliver, { slots: 2 });
    await connection.broker.publish([createMessage()]);
    await clock.advance(3 * 3_600_000);
    expect([deliveries, lost]).toEqual([1, 0]);
    gate.resolve(ack);
    await clock.advance(0);
    expect(await connection.monitor.counts(['q'])).toMatchObject([{ running: 0 }]);
    await connection.close(0);
  });

  it('redelivers a lost lease at the next look for orphans', async () => {
    const clock = createTestClock();
    const connection = openMemory(clock);
    const start = clock.now();
    const seen: [deliveryCount: number, at: number][] = [];
    const never = deferred<Settlement>();
    await consume(
      connection,
      ({ deliveryCount }) => {
        seen.push([deliveryCount, clock.now() - start]);
        return deliveryCount === 3 ? Promise.resolve(ack) : never.promise;
      },
      { slots: 3 },
    );
    const message = createMessage();
    await connection.broker.publish([message]);
    await clock.advance(4000);
    loseLease(connection, message.id);
    await clock.advance(10_000);
    loseLease(connection, message.id);
    await clock.advance(10_000);
    expect(seen).toEqual([
      [1, 0],
      [2, 10_000],
      [3, 20_000],
    ]);
    await connection.close(0);
  });

  it('lets the lease of a delivery that rejected run out', async () => {
    const clock = createTestClock();
    const connection = openMemory(clock);
    const start = clock.now();
    const seen: [deliveryCount: number, at: number][] = [];
    const errors: string[] = [];
    const deliver = async ({ deliveryCount }: { deliveryCount: number }): Promise<Settlement> => {
      seen.push([deliveryCount, clock.now() - start]);
      if (deliveryCount === 1) throw new Error('never');
      // an outcome that JSON cannot carry: the settlement fails
      const value = 10n as unknown as string;
      const record = { id: 'r', task: 't', state: 'SUCCESS', value, attempts: 1, at: 1 };
      return deliveryCount === 2 ? { kind: 'ack', outcome: { record, ttl: 1 } } : ack;
    };
    await consume(connection, deliver, { onError: (error) => errors.push(error.message) });
    await connection.broker.publish([createMessage()]);
    await clock.advance(70_000);
    expect(seen).toEqual([
      [1, 0],
      [2, 30_000],
      [3, 60_000],
    ]);
    expect(errors).toHaveLength(2);
    await connection.close(0);
  });

  it('does not take a blocked event loop for a lost worker', async () => {
    // A clock whose time jumps, as when a handler computes for a minute: every timer is late.
    let now = 0;
    let timers: { at: number; fn: () => void }[] = [];
    const clock: Clock = {
      now: () => now,
      monotonic: () => now,
      after(ms, fn) {
        const timer = { at: now + ms, fn };
        timers.push(timer);
        return {
          cancel: () => {
            timers = timers.filter((other) => other !== timer);
          },
        };
      },
    };
    const connection = openMemory(clock);
    const gate = deferred<Settlement>();
    const counts: number[] = [];
    const deliver = ({ deliveryCount }: { deliveryCount: number }): Promise<Settlement> => {
      counts.push(deliveryCount);
      return gate.promise;
    };
    await consume(connection, deliver, { slots: 1 });
    await connection.broker.publish([createMessage()]);
    await new Promise<void>((resolve) => setImmediate(resolve));
    // the second one's timer is due first, and it looks for orphans before the first has renewed
    await consume(connection, deliver, { orphanInterval: 1000 });
    now = 120_000;
    for (const timer of [...timers].sort((a, b) => a.at - b.at)) timer.fn();
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(counts).toEqual([1]);
    await connection.close(0);
  });

  it('closes at its deadline, and puts what it hands back first, in its old order', async () => {
    const clock = createTestClock();
    const connection = openMemory(clock);
    const never = deferred<Settlement>();
    const consumer = await consume(connection, () => never.promise, { slots: 3 });
    const messages = Array.from({ length: 5 }, () => createMessage());
    await connection.broker.publish(messages);
    await clock.advance(0);
    let report: unknown;
    void consumer.close(5000).then((value) => {
      report = value;
    });
    await clock.advance(4999);
    expect(report).toBeUndefined();
    await clock.advance(1);
    expect(report).toEqual({ released: 3, abandoned: 0 });
    const order: string[] = [];
    await consume(
      connection,
      acking(({ message }) => order.push(message.id)),
    );
    await clock.advance(0);
    expect(order).toEqual(messages.map((message) => message.id));
    await connection.close(0);
  });

  it('shares a burst between consumers and queues in turn', async () => {
    const clock = createTestClock();
    const connection = openMemory(clock);
    const never = deferred<Settlement>();
    const taken: Record<string, string[]> = { one: [], two: [] };
    for (const name of ['one', 'two'] as const) {
      const deliver = ({ queue }: { queue: string }): Promise<Settlement> => {
        taken[name]?.push(queue);
        return never.promise;
      };
      await consume(connection, deliver, { queues: ['a', 'b'], slots: 4 });
    }
    const queues = [...Array(8).fill('a'), ...Array(8).fill('b')];
    await connection.broker.publish(queues.map((queue: string) => createMessage({ queue })));
    await clock.advance(0);
    for (const took of Object.values(taken)) expect(took).toEqual(['a', 'b', 'a', 'b']);
    await connection.close(0);
  });
});

describe('a retry in memory', () => {
  it('may change queue and priority', async () => {
    const clock = createTestClock();
    const connection = openMemory(clock);
    const order: string[] = [];
    await connection.broker.publish([createMessage({ id: 'moved' })]);
    await consume(connection, async ({ message }) => ({
      kind: 'retryAt',
      at: clock.now() + 1000,
      message: { ...message, queue: 'other', priority: 5, retries: 1 },
    }));
    await clock.advance(500);
    await connection.broker.publish([1, 9].map((n) => createMessage({ id: `p${n}`, queue: 'other', priority: n })));
    await clock.advance(500);
    await consume(
      connection,
      acking(({ queue, message }) => order.push(`${queue}/${message.id}`)),
      { queues: ['other'] },
    );
    await clock.advance(0);
    expect(order).toEqual(['other/p9', 'other/moved', 'other/p1']);
    await connection.close(0);
  });
});
