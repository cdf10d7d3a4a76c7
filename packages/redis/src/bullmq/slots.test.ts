import { expect, it, vi } from 'vitest';
import { Slots } from './slots.ts';

/** Whether this wait is over, without waiting for it. */
async function settled(wait: Promise<boolean>): Promise<boolean | 'waiting'> {
  return Promise.race([wait, Promise.resolve('waiting' as const)]);
}

it('grants up to its limit, then in the order of asking', async () => {
  const slots = new Slots(1);
  expect(await slots.take('a')).toBe(true);
  const [second, third] = [slots.take('b'), slots.take('c')];
  expect(await settled(second)).toBe('waiting');
  slots.release();
  expect([await settled(second), await settled(third)]).toEqual([true, 'waiting']);
});

it('grants at once what a raised limit allows, and takes nothing back when it is lowered', async () => {
  const slots = new Slots(1);
  await slots.take('a');
  const [second, third] = [slots.take('b'), slots.take('c')];
  slots.setLimit(3);
  expect([await second, await third]).toEqual([true, true]);
  slots.setLimit(1);
  expect(slots.mayKeep('a')).toBe(false);
  slots.release();
  slots.release();
  expect(slots.mayKeep('a')).toBe(true);
  expect(await settled(slots.take('b'))).toBe('waiting');
});

it('lets a queue keep its slot until another one has waited for a moment', async () => {
  vi.useFakeTimers();
  const slots = new Slots(1);
  await slots.take('a');
  void slots.take('a');
  vi.advanceTimersByTime(1_000);
  expect(slots.mayKeep('a')).toBe(true); // only its own fetch waits
  void slots.take('b');
  expect(slots.mayKeep('a')).toBe(true);
  vi.advanceTimersByTime(25);
  expect(slots.mayKeep('a')).toBe(false);
  vi.useRealTimers();
});

it("ends a queue's waits, and no others", async () => {
  const slots = new Slots(0);
  const [a, b] = [slots.take('a'), slots.take('b')];
  slots.cancel('a');
  expect([await settled(a), await settled(b)]).toEqual([false, 'waiting']);
});
