import { expect, it } from 'vitest';
import type { ResultBackend, ResultNotification } from '../driver/result-backend.ts';
import { silentLogger } from '../logger.ts';
import type { OutcomeRecord } from '../message/outcome.ts';
import { createTestClock } from '../testing/test-clock.ts';
import { ResultInbox } from './result-inbox.ts';

const record = (value: number): OutcomeRecord => ({
  id: 't',
  task: 'works',
  state: 'SUCCESS',
  value,
  attempts: 1,
  at: 0,
});

/** An inbox, what its store holds of the task `t`, and its bell. */
async function bench() {
  const store: { record: OutcomeRecord | undefined } = { record: undefined };
  let ring: (notification: ResultNotification) => void = () => {};
  const results = {
    get: async (ids: readonly string[]) => ids.map(() => store.record),
    watch: async (_: string, listener: (notification: ResultNotification) => void) => {
      ring = listener;
      return { close: async () => {} };
    },
  } as unknown as ResultBackend; // as much as it uses
  const clock = createTestClock();
  const inbox = new ResultInbox(async () => ({ results }), clock, silentLogger);
  await inbox.ready();
  const next = (): Promise<unknown> =>
    new Promise((resolve) =>
      inbox.watch({ id: 't', notifiesThisProcess: true }, { onRecord: ({ value }) => resolve(value) }),
    );
  return { clock, store, inbox, next, ring: (value: number) => ring({ id: 't', record: record(value) }) };
}

it('a ring that came before the wait ends it without a look into the store', async () => {
  const { next, ring } = await bench();
  ring(1);
  expect(await next()).toBe(1);
});

it('a ring that came after its wait had ended says nothing of the run that follows forget()', async () => {
  const { store, inbox, next, ring } = await bench();
  store.record = record(1);
  expect(await next()).toBe(1); // found in the store, before it rang
  ring(1);
  inbox.forget('t');
  store.record = record(2);
  expect(await next()).toBe(2);
});

it('a task that rings elsewhere is asked for soon, also while one that rings here is awaited', async () => {
  const { clock, store, inbox } = await bench();
  inbox.watch({ id: 'long', notifiesThisProcess: true, subscribedBeforePublish: true }, { onRecord: () => {} });
  const found: unknown[] = [];
  inbox.watch({ id: 't', notifiesThisProcess: false }, { onRecord: ({ value }) => void found.push(value) });
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve)); // its first look
  store.record = record(1);
  await clock.advance(100);
  expect(found).toEqual([1]);
});
