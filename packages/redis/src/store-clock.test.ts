import { createTestClock } from '@lovage/core/testing';
import { expect, it } from 'vitest';
import { StoreClock } from './store-clock.ts';
import type { StoreLink } from './store-link.ts';

/** What a clock of whole milliseconds leaves out of this moment. */
const leftOut = 0.5;

function bench() {
  const clock = createTestClock();
  /** `there` and `back`: how long each question and its answer take, in milliseconds. */
  const asked = { ahead: 250, away: false, times: 0, there: [0], back: [0] };
  const time = async (): Promise<[string, string]> => {
    const legs = [asked.there, asked.back].map((legs) => legs[asked.times % legs.length] as number);
    asked.times += 1;
    if (asked.away) throw new Error('away');
    const [there, back] = legs as [number, number];
    if (there > 0) await clock.advance(there);
    const now = clock.now() + leftOut + asked.ahead; // true time, of which Redis is ahead
    if (back > 0) await clock.advance(back);
    return [String(Math.floor(now / 1_000)), String((now % 1_000) * 1_000)];
  };
  let set = 0;
  const local = { ...clock, now: () => clock.now() + set }; // `set` puts this machine's clock forward
  const link = { run: (work: (client: object) => unknown) => work({ time }) } as unknown as StoreLink; // as much as it uses
  return { clock, asked, set: (ms: number) => (set += ms), storeClock: new StoreClock(link, local) };
}

it('is measured when first asked for, known at once afterwards, and measured again beside the work', async () => {
  const { clock, asked, storeClock } = bench();
  expect(await storeClock.offset()).toBeCloseTo(250);
  expect(storeClock.offset()).toBeCloseTo(250);
  asked.ahead = 900;
  await clock.advance(60_001);
  expect(storeClock.offset()).toBeCloseTo(250);
  await clock.advance(1);
  expect(storeClock.offset()).toBeCloseTo(900);
  expect(asked.times).toBe(2);
});

it('a store that does not answer is taken to agree, and asked again a little later', async () => {
  const { clock, asked, storeClock } = bench();
  asked.away = true;
  expect(await storeClock.offset()).toBe(0);
  expect(storeClock.offset()).toBe(0);
  expect(asked.times).toBe(1);
  asked.away = false;
  await clock.advance(5_001);
  expect(await storeClock.offset()).toBeCloseTo(250);
});

it('is told in whole milliseconds, and never as more than it is', async () => {
  const { clock, asked, storeClock } = bench();
  expect(storeClock.ahead).toBeUndefined();
  for (const [ahead, info] of [
    [0.4, 0],
    [-0.4, 0],
    [2.75, 2],
    [-2.75, -4],
  ] as const) {
    asked.ahead = ahead;
    void storeClock.offset();
    await clock.advance(60_001);
    expect(storeClock.ahead).toBe(info);
  }
});

it.each([
  ['a question that waits before Redis sees it', [40], [0]],
  ['an answer that waits before it is read', [0], [40]],
])('%s makes no difference of clocks that agree', async (_, there, back) => {
  const { asked, storeClock } = bench();
  Object.assign(asked, { ahead: 0, there, back });
  expect(await storeClock.offset()).toBe(0);
  expect(storeClock.ahead).toBe(0);
});

it.each([250, -250])('takes the most exact of four measurements on a busy machine: %i ms', async (ahead) => {
  const { asked, storeClock } = bench();
  Object.assign(asked, { ahead, there: [40, 10, 4, 20], back: [0, 5, 0, 30] });
  const offset = await storeClock.offset();
  expect(Math.abs(offset - ahead)).toBeLessThanOrEqual(2.5);
  expect(storeClock.ahead).toBeLessThanOrEqual(ahead);
  expect(storeClock.ahead).toBeGreaterThanOrEqual(ahead - 5);
  expect(asked.times).toBe(4);
});

it.each([3_600_000, -3_600_000])('a clock that is set by %i ms is measured anew before it is used', async (step) => {
  const { asked, set, storeClock } = bench();
  expect(await storeClock.offset()).toBeCloseTo(250);
  set(step);
  expect(storeClock.ahead).toBeLessThanOrEqual(250 - Math.max(0, step)); // and till then nothing is early
  expect(await storeClock.offset()).toBeCloseTo(250 - step);
  expect(storeClock.offset()).toBeCloseTo(250 - step);
  expect(asked.times).toBe(2);
});
