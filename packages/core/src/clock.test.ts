import { describe, expect, it, vi } from 'vitest';
import { leadOf, sleep, stepSince, systemClock, withDeadline } from './clock.ts';
import { createTestClock } from './testing/test-clock.ts';

describe('systemClock', () => {
  it('tells epoch milliseconds and a time that only grows', () => {
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(100);
    const first = systemClock.monotonic();
    expect(systemClock.monotonic()).toBeGreaterThanOrEqual(first);
  });

  it('runs a timer once, and not when it was cancelled', async () => {
    const ran: string[] = [];
    systemClock.after(1, () => ran.push('cancelled')).cancel();
    await new Promise<void>((resolve) => systemClock.after(5, () => resolve(void ran.push('kept'))));
    expect(ran).toEqual(['kept']);
  });

  describe('with fake timers', () => {
    it('waits longer than setTimeout can', () => {
      vi.useFakeTimers();
      try {
        const days = 86_400_000;
        let fired = 0;
        systemClock.after(60 * days, () => {
          fired += 1;
        });
        const cancelled = systemClock.after(60 * days, () => expect.unreachable());
        vi.advanceTimersByTime(59.9 * days);
        expect(fired).toBe(0);
        cancelled.cancel();
        vi.advanceTimersByTime(0.2 * days);
        expect(fired).toBe(1);
        expect(vi.getTimerCount()).toBe(0);
      } finally {
        vi.useRealTimers();
      }
    });

    it('takes a time that has passed as now', () => {
      vi.useFakeTimers();
      try {
        let fired = false;
        systemClock.after(-5, () => {
          fired = true;
        });
        vi.advanceTimersByTime(0);
        expect(fired).toBe(true);
      } finally {
        vi.useRealTimers();
      }
    });
  });
});

describe('sleep', () => {
  it('resolves on its clock', async () => {
    const clock = createTestClock();
    let awake = false;
    void sleep(clock, 100).then(() => {
      awake = true;
    });
    await clock.advance(99);
    expect(awake).toBe(false);
    await clock.advance(1);
    expect(awake).toBe(true);
  });

  it('rejects with the reason of its signal and leaves no timer', async () => {
    const clock = createTestClock();
    const controller = new AbortController();
    const sleeping = sleep(clock, 100, controller.signal);
    controller.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    expect(clock.pending).toBe(0);
    await expect(sleep(clock, 100, controller.signal)).rejects.toThrow('enough');
    expect(clock.pending).toBe(0);
  });
});

describe('withDeadline', () => {
  it('settles as the work does and leaves no timer', async () => {
    const clock = createTestClock();
    expect(await withDeadline(clock, 100, Promise.resolve(5), () => new Error('late'))).toBe(5);
    const failing = withDeadline(clock, 100, Promise.reject(new Error('own')), () => new Error('late'));
    await expect(failing).rejects.toThrow('own');
    expect(clock.pending).toBe(0);
  });

  it('rejects when the time is over, whatever the work does later', async () => {
    const clock = createTestClock();
    let fail: (error: Error) => void = () => {};
    const work = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const outcome = expect(withDeadline(clock, 100, work, () => new Error('late'))).rejects.toThrow('late');
    await clock.advance(100);
    await outcome;
    fail(new Error('an unhandled rejection would fail this test'));
    await clock.advance(0);
  });
});

it('tells by how much a clock was set, and takes what puts it right little by little for nothing', async () => {
  const clock = createTestClock();
  let set = 0;
  const local = { ...clock, now: () => clock.now() + set };
  const lead = leadOf(local);
  await clock.advance(60_000);
  expect(stepSince(local, lead)).toBe(0);
  for (const [ms, step] of [
    [99, 0],
    [-99, 0],
    [100, 100],
    [-3_600_000.4, -3_600_000],
  ] as const) {
    set = ms;
    expect(stepSince(local, lead)).toBe(step);
  }
});
