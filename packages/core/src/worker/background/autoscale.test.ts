import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../logger.ts';
import { createTestClock } from '../../testing/test-clock.ts';
import { Autoscaler, fitSlots, idleAfter, readLimits } from './autoscale.ts';

const limits = { max: 16, min: 2 };
const later = idleAfter;

describe('the policy', () => {
  it.each([
    ['all busy, nothing waits: stays', { slots: 4, running: 4, waiting: 0 }, 4],
    ['all busy, some wait: grows by them', { slots: 4, running: 4, waiting: 1 }, 5],
    ['all busy, many wait: doubles', { slots: 4, running: 4, waiting: 100 }, 8],
    ['all busy, many wait: never above max', { slots: 12, running: 12, waiting: 100 }, 16],
    ['more run than there are slots: as all busy', { slots: 4, running: 6, waiting: 1 }, 5],
    ['some idle, many wait (their queue is paused, say): stays', { slots: 4, running: 3, waiting: 100 }, 4],
    ['below min: grows', { slots: 1, running: 0, waiting: 0 }, 2],
    ['above max: shrinks', { slots: 20, running: 20, waiting: 9 }, 16],
  ])('%s', (_what, load, slots) => {
    expect(fitSlots(load, limits, { before: undefined, now: 5 }).slots).toBe(slots);
  });

  it('shrinks to the peak once slots were idle for so long, and begins anew', () => {
    const idle = { slots: 10, running: 1, waiting: 0 };
    const first = fitSlots({ ...idle, running: 3 }, limits, { before: undefined, now: 0 });
    expect(first).toEqual({ slots: 10, slack: { since: 0, peak: 3 } });
    const second = fitSlots(idle, limits, { before: first.slack, now: later - 1 });
    expect(second).toEqual({ slots: 10, slack: { since: 0, peak: 3 } });
    const third = fitSlots(idle, limits, { before: second.slack, now: later });
    expect(third).toEqual({ slots: 3, slack: { since: later, peak: 1 } });
  });

  it('never shrinks below min, and forgets idle slots once all are busy', () => {
    const slack = { since: 0, peak: 0 };
    expect(fitSlots({ slots: 4, running: 0, waiting: 0 }, limits, { before: slack, now: later }).slots).toBe(2);
    expect(fitSlots({ slots: 4, running: 4, waiting: 0 }, limits, { before: slack, now: later }).slack).toBeUndefined();
  });

  it.each([
    [{ max: 2, min: 3 }, /autoscale: min 3 is above max 2/],
    [{ max: 0, min: 0 }, /autoscale: max: expected a whole number from 1/],
    [{ max: 2, min: 1.5 }, /autoscale: min: expected a whole number from 1/],
  ])('refuses %j', (wrong, problem) => expect(() => readLimits(wrong, 'autoscale')).toThrow(problem));
});

describe('the autoscaler', () => {
  function bench() {
    const clock = createTestClock();
    const worker = {
      slots: 2,
      running: 0,
      queued: 0,
      asked: 0,
      load: () => worker,
      setSlots(slots: number) {
        worker.slots = slots;
      },
      async waiting() {
        worker.asked += 1;
        if (worker.queued < 0) throw new Error('the broker is gone');
        return worker.queued;
      },
    };
    return { clock, worker, scaler: new Autoscaler(worker, limits, { clock, logger: silentLogger }) };
  }

  it('grows within seconds, shrinks after half a minute, and asks the broker only when all is busy', async () => {
    const { clock, worker, scaler } = bench();
    await clock.advance(5_000);
    expect([worker.slots, worker.asked]).toEqual([2, 0]);
    worker.queued = 100;
    worker.running = 2;
    await clock.advance(1_000);
    expect(worker.slots).toBe(4);
    worker.running = 4;
    await clock.advance(1_000);
    worker.running = 8;
    await clock.advance(1_000);
    expect(worker.slots).toBe(16);
    worker.running = 16;
    const asked = worker.asked;
    await clock.advance(10_000);
    expect(worker.asked).toBe(asked); // it cannot grow further
    worker.running = 1;
    await clock.advance(29_000);
    expect(worker.slots).toBe(16);
    await clock.advance(2_000);
    expect(worker.slots).toBe(2);
    scaler.stop();
    expect(clock.pending).toBe(0);
  });

  it('does not grow on the word of a broker that does not answer, and heeds new limits', async () => {
    const { clock, worker, scaler } = bench();
    worker.queued = -1;
    worker.running = 2;
    await clock.advance(3_000);
    expect([worker.slots, worker.asked]).toEqual([2, 3]);
    scaler.setLimits({ max: 32, min: 6 });
    await clock.advance(1_000);
    expect(worker.slots).toBe(6);
    scaler.stop();
    await clock.advance(60_000);
    expect(worker.slots).toBe(6);
  });
});
