import { createTestClock } from '@lovage/core/testing';
import { expect, it } from 'vitest';
import { StoreClock } from './store-clock.ts';
import type { StoreLink } from './store-link.ts';

/** A clock of whole milliseconds leaves half of one out on average; Redis's does not. */
const leftOut = 0.5;

function bench() {
  const clock = createTestClock();
  const asked: { ahead: number; away: boolean; times: number } = { ahead: 250, away: false, times: 0 };
  const time = async (): Promise<[string, string]> => {
    asked.times += 1;
    if (asked.away) throw new Error('away');
    const now = clock.now() + leftOut + asked.ahead;
    return [String(Math.floor(now / 1_000)), String((now % 1_000) * 1_000)];
  };
  const link = { run: (work: (client: object) => unknown) => work({ time }) } as unknown as StoreLink; // as much as it uses
  return { clock, asked, storeClock: new StoreClock(link, clock) };
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

it('is told in whole milliseconds, none of them for what may be the error of measuring', async () => {
  const { clock, asked, storeClock } = bench();
  expect(storeClock.ahead).toBeUndefined();
  for (const [ahead, told] of [
    [1.4, 0],
    [-1.4, 0],
    [2.75, 2],
    [-2.75, -3],
  ] as const) {
    asked.ahead = ahead;
    void storeClock.offset();
    await clock.advance(60_001);
    expect(storeClock.ahead).toBe(told);
  }
});
