import { expect, it } from 'vitest';
import { BrokerClock } from './clock.ts';
import { createTestClock } from './testing/test-clock.ts';

const hour = 3_600_000;

/** A machine whose clock is put forward by `set`, and a broker that is 250 ms ahead of true time. */
function bench() {
  const clock = createTestClock();
  let set = 0;
  const asked = { times: 0, answer: (ahead: number) => Promise.resolve(ahead) };
  const local = { ...clock, now: () => clock.now() + set };
  const brokerClock = new BrokerClock(local, () => {
    asked.times += 1;
    return asked.answer(250 - set);
  });
  return { clock, asked, brokerClock, set: (ms: number) => (set += ms), broker: () => clock.now() + 250 };
}

it('is the machine’s own until it was measured, then the broker’s', async () => {
  const { clock, brokerClock, broker } = bench();
  expect(brokerClock.now()).toBe(clock.now());
  expect(await brokerClock.measure()).toBe(250);
  await clock.advance(hour);
  expect(brokerClock.now()).toBe(broker());
});

it.each([hour, -hour, 1_500])('goes on as if nothing were when the machine’s clock is set by %i ms', async (step) => {
  const { clock, asked, brokerClock, set, broker } = bench();
  await brokerClock.measure();
  let answer: (ahead: number) => void = () => {};
  asked.answer = () => new Promise((resolve) => (answer = resolve));
  set(step);
  expect(brokerClock.now()).toBe(broker()); // it is not measured yet
  await clock.advance(10);
  expect(brokerClock.now()).toBe(broker());
  answer(250 - step);
  await clock.advance(10);
  expect(brokerClock.now()).toBe(broker());
  expect(brokerClock.ahead).toBe(250 - step);
  expect(asked.times).toBe(2);
});
