import { expect, it } from 'vitest';
import { silentLogger } from '../../logger.ts';
import { createTestClock } from '../../testing/test-clock.ts';
import { PollWatch } from './poll-watch.ts';

/** A consumer of two queues, of which `billing` can hang. */
function bench() {
  const test = createTestClock();
  let stoodStill = 0;
  const clock = { ...test, monotonic: () => test.monotonic() + stoodStill };
  const polls = new Map([
    ['default', 0],
    ['billing', 0],
  ]);
  const state = { hangs: false, answers: true, mended: false, busy: false, rebuilt: 0 };
  const watch = new PollWatch({
    clock,
    logger: silentLogger,
    consumer: {
      polls: () => (state.busy ? new Map() : new Map(polls)),
      rebuild: async () => {
        state.rebuilt += 1;
        if (state.mended) state.hangs = false;
      },
    },
    check: async () => {
      if (!state.answers) throw new Error('ECONNREFUSED');
    },
    timeout: 20_000,
  });
  let wedged: Error | undefined;
  void watch.wedged.then((error) => {
    wedged = error;
  });
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) {
      await clock.advance(1_000);
      polls.set('default', (polls.get('default') as number) + 1);
      if (!state.hangs) polls.set('billing', (polls.get('billing') as number) + 1);
    }
  };
  const standStill = (ms: number): void => {
    stoodStill += ms;
  };
  return { watch, state, pass, standStill, wedged: () => wedged };
}

it('leaves a consumer alone that polls, and one whose slots are all busy', async () => {
  const { state, pass, watch, wedged } = bench();
  await pass(60);
  state.busy = true;
  await pass(3_600);
  expect(watch.longestUnpolledQueue).toBeUndefined();
  state.busy = false;
  await pass(60);
  expect([state.rebuilt, wedged()]).toEqual([0, undefined]);
  expect(watch.longestUnpolledQueue?.since).toBeLessThanOrEqual(2_000);
});

it('makes a consumer anew of which one queue has not been polled for 20 s', async () => {
  const { state, pass, watch, wedged } = bench();
  state.hangs = true;
  state.mended = true;
  await pass(18);
  expect(state.rebuilt).toBe(0);
  expect(watch.longestUnpolledQueue?.queue).toBe('billing');
  await pass(60);
  expect([state.rebuilt, wedged()]).toEqual([1, undefined]);
});

it('tells of a consumer that does not poll after that either, though the broker answers', async () => {
  const { state, pass, watch, wedged } = bench();
  state.hangs = true;
  await pass(38);
  expect([state.rebuilt, wedged()]).toEqual([1, undefined]);
  await pass(8);
  expect(wedged()).toMatchObject({ name: 'ConsumerWedgedError', queue: 'billing' });
  expect(watch.longestUnpolledQueue).toBeUndefined();
});

it('waits for a broker that does not answer, and gives it time when it is back', async () => {
  const { state, pass, wedged } = bench();
  state.hangs = true;
  state.answers = false;
  await pass(300);
  expect(wedged()).toBeUndefined();
  expect(state.rebuilt).toBeGreaterThan(10);
  state.answers = true;
  await pass(15);
  expect(wedged()).toBeUndefined();
  state.hangs = false;
  await pass(60);
  expect(wedged()).toBeUndefined();
});

it('blames no consumer for a process that stood still', async () => {
  const { state, pass, standStill, wedged } = bench();
  await pass(10);
  standStill(60_000);
  await pass(10);
  expect([state.rebuilt, wedged()]).toEqual([0, undefined]);
});
