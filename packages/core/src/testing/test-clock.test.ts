import { describe, expect, it } from 'vitest';
import { sleep } from '../clock.ts';
import { createTestClock } from './test-clock.ts';

describe('createTestClock', () => {
  it('stands still until it is moved', async () => {
    const clock = createTestClock(1000);
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect([clock.now(), clock.monotonic()]).toEqual([1000, 0]);
    await clock.advance(50);
    expect([clock.now(), clock.monotonic()]).toEqual([1050, 50]);
    expect(createTestClock().now()).toBe(Date.UTC(2026, 0, 1));
  });

  it('runs timers in the order of their times, each at its own time', async () => {
    const clock = createTestClock(0);
    const ran: string[] = [];
    for (const ms of [30, 10, 20, 10, 0, -5, Number.NaN]) clock.after(ms, () => ran.push(`${ms}@${clock.now()}`));
    expect(clock.pending).toBe(7);
    await clock.advance(25);
    expect(ran).toEqual(['0@0', '-5@0', 'NaN@0', '10@10', '10@10', '20@20']);
    expect([clock.now(), clock.pending]).toEqual([25, 1]);
    await clock.advance(5);
    expect(ran.at(-1)).toBe('30@30');
  });

  it('runs timers that timers start, within the same advance', async () => {
    const clock = createTestClock(0);
    const times: number[] = [];
    const tick = (): void => {
      times.push(clock.now());
      clock.after(10, tick);
    };
    clock.after(10, tick);
    await clock.advance(45);
    expect(times).toEqual([10, 20, 30, 40]);
  });

  it('lets promise chains and setImmediate go on between two timers', async () => {
    const clock = createTestClock(0);
    const ran: string[] = [];
    const chain = async (): Promise<void> => {
      await sleep(clock, 10);
      for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
      await new Promise<void>((resolve) => setImmediate(resolve));
      ran.push(`chain@${clock.now()}`);
      await sleep(clock, 5);
      ran.push(`end@${clock.now()}`);
    };
    const done = chain();
    clock.after(11, () => ran.push(`timer@${clock.now()}`));
    await clock.advance(20);
    await done;
    expect(ran).toEqual(['chain@10', 'timer@11', 'end@15']);
  });

  it('forgets a timer that was cancelled, also by another one', async () => {
    const clock = createTestClock(0);
    const cancelled = clock.after(10, () => expect.unreachable());
    clock.after(5, () => cancelled.cancel());
    await clock.advance(20);
    cancelled.cancel();
    expect(clock.pending).toBe(0);
  });

  it('rejects with what a timer throws, and can go on', async () => {
    const clock = createTestClock(0);
    clock.after(5, () => {
      throw new Error('from a timer');
    });
    await expect(clock.advance(10)).rejects.toThrow('from a timer');
    expect(clock.now()).toBe(5);
    await clock.advance(10);
    expect(clock.now()).toBe(15);
  });

  it('is moved by one advance at a time', async () => {
    const clock = createTestClock(0);
    const first = clock.advance(10);
    await expect(clock.advance(10)).rejects.toThrow(/still running/);
    await first;
    expect(clock.now()).toBe(10);
  });
});

it('leaps: what is due by then runs once, late, in the order of its time', async () => {
  const clock = createTestClock(0);
  const seen: string[] = [];
  const tick = (): void => {
    seen.push(`tick ${clock.now()}`);
    clock.after(10, tick);
  };
  clock.after(10, tick);
  clock.after(50, () => seen.push(`later ${clock.now()}`));
  await clock.leap(1_000);
  expect(seen).toEqual(['tick 1000', 'later 1000']);
  await clock.advance(10);
  expect(seen.at(-1)).toBe('tick 1010');
});
