import { expect } from 'vitest';
import type { Settlement } from '../../../driver/broker.ts';
import type { ResultNotification } from '../../../driver/result-backend.ts';
import type { Failure } from '../../../message/failure.ts';
import type { OutcomeRecord } from '../../../message/outcome.ts';
import { newTaskId } from '../../../message/task-id.ts';
import { deferred, until, within } from '../../until.ts';
import type { ConformanceCase } from '../suite.ts';
import { ack, ackWith, type BrokerBench, createMessage, queue, successOf } from './broker-bench.ts';

const reason: Failure = { name: 'Reject', message: 'wrong number', stack: 'at nowhere', data: { code: 7 } };

function failureOf(id: string): OutcomeRecord {
  return { id, task: 'math.add', state: 'FAILURE', failure: reason, attempts: 2, at: Date.now() };
}

function assertFused(bench: BrokerBench): void {
  expect(bench.connection.acksWithOutcome, 'skip this case: the driver acks without outcomes').toBe(true);
}

export const brokerSettlementCases: readonly ConformanceCase<BrokerBench>[] = [
  {
    name: 'ack removes the message',
    async run(bench) {
      const gate = deferred();
      const probe = await bench.probe({ handle: () => gate.promise.then(() => ack) });
      const { id } = await bench.publish();
      await probe.arrived(1);
      expect(await bench.counts()).toEqual({
        queue,
        waiting: 0,
        delayed: 0,
        blocked: 0,
        running: 1,
        dead: 0,
        paused: false,
      });
      gate.resolve();
      await bench.emptied();
      expect(await bench.counts()).toEqual({
        queue,
        waiting: 0,
        delayed: 0,
        blocked: 0,
        running: 0,
        dead: 0,
        paused: false,
      });
      expect(await bench.place(id)).toBeUndefined();
    },
  },
  {
    name: 'ack without an outcome stores none',
    async run(bench) {
      const probe = await bench.probe();
      const { id } = await bench.publish();
      await probe.arrived(1);
      await bench.emptied();
      expect(await bench.record(id)).toBeUndefined();
    },
  },
  {
    name: 'ack with an outcome stores it before the message goes',
    async run(bench) {
      assertFused(bench);
      await bench.probe({ slots: 10, handle: ({ message }) => ackWith(message.id, 'done') });
      for (const id of await bench.publishMany(50)) {
        await until(async () => {
          const place = await bench.place(id); // asked first: what is gone now must have its record by now
          const record = await bench.record(id);
          if (place === undefined) expect(record).toMatchObject({ state: 'SUCCESS', value: 'done' });
          return place === undefined;
        });
      }
    },
  },
  {
    name: 'ack with an outcome rings the inbox, and the record can be read by then',
    async run(bench) {
      assertFused(bench);
      const rung = deferred<ResultNotification>();
      await bench.results.watch('inbox-1', rung.resolve);
      await bench.probe({ handle: ({ message }) => ackWith(message.id, 'done', 'inbox-1') });
      const { id } = await bench.publish({ replyTo: 'inbox-1' });
      const ring = await within(rung.promise, { what: 'the ring' });
      expect(ring.id).toBe(id);
      if (ring.record) expect(ring.record).toMatchObject({ id, state: 'SUCCESS', value: 'done' });
      expect(await bench.record(id)).toMatchObject({ state: 'SUCCESS', value: 'done' });
    },
  },
  {
    name: 'ack with a failure stores it whole',
    async run(bench) {
      assertFused(bench);
      const id = newTaskId();
      const record = failureOf(id);
      await bench.probe({ handle: () => ({ kind: 'ack', outcome: { record, ttl: 60_000 } }) });
      await bench.publish({ id });
      await bench.emptied();
      expect(await bench.record(id)).toEqual(record);
    },
  },
  {
    name: 'ack with an outcome does not overwrite a final record',
    async run(bench) {
      assertFused(bench);
      const { id } = createMessage();
      await bench.results.put([{ record: successOf(id, 'first'), ttl: 60_000 }]);
      await bench.probe({ handle: () => ackWith(id, 'second') });
      await bench.publish({ id });
      await bench.emptied();
      expect(await bench.record(id)).toMatchObject({ value: 'first' });
    },
  },
  {
    name: 'a message that was retried is acked like any other',
    async run(bench) {
      assertFused(bench);
      const probe = await bench.probe({
        handle: ({ message }) =>
          message.retries === 0
            ? { kind: 'retryAt', at: Date.now() + 20, message: { ...message, retries: 1 } }
            : ackWith(message.id, 'second try'),
      });
      const { id } = await bench.publish();
      await probe.arrived(2);
      await bench.emptied();
      expect(await bench.record(id)).toMatchObject({ value: 'second try' });
    },
  },
  {
    name: 'deadLetter parks the message with its reason and body',
    async run(bench) {
      const before = Date.now();
      await bench.probe({ handle: () => ({ kind: 'deadLetter', reason }) });
      const message = await bench.publish({ args: ['keep me', '🐴'] });
      await bench.emptied();
      expect(await bench.counts()).toMatchObject({ dead: 1 });
      const [letter] = await bench.monitor.deadLetters(queue, 10);
      expect(letter).toMatchObject({ id: message.id, queue, task: message.task });
      expect(letter?.reason).toMatchObject({ name: 'Reject', message: 'wrong number' });
      expect(letter?.at).toBeGreaterThanOrEqual(before - 1000);
      expect(JSON.parse(letter?.body ?? '')).toEqual(message);
    },
  },
  {
    name: 'deadLetter stores its outcome and rings',
    async run(bench) {
      assertFused(bench);
      const rung = deferred<ResultNotification>();
      await bench.results.watch('inbox-2', rung.resolve);
      const id = newTaskId();
      const record = failureOf(id);
      const settlement: Settlement = {
        kind: 'deadLetter',
        reason,
        outcome: { record, ttl: 60_000, replyTo: 'inbox-2' },
      };
      await bench.probe({ handle: () => settlement });
      await bench.publish({ id });
      expect((await within(rung.promise)).id).toBe(id);
      expect(await bench.record(id)).toEqual(record);
      await bench.emptied();
      expect(await bench.counts()).toMatchObject({ dead: 1 });
    },
  },
  {
    name: 'a dead letter is not delivered again, and the queue flows on',
    async run(bench) {
      const probe = await bench.probe({
        handle: ({ message }) => (message.args[0] === 'bad' ? { kind: 'deadLetter', reason } : ack),
      });
      const bad = await bench.publish({ args: ['bad'] });
      const ids = await bench.publishMany(3);
      await probe.arrived(4);
      await bench.emptied();
      expect(probe.ids()).toEqual([bad.id, ...ids]);
      expect(await bench.place(bad.id)).toBeUndefined();
    },
  },
];
