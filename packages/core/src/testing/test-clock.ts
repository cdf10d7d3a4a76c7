import type { Clock, TimerOptions } from '../clock.ts';
import { TimeHeap } from '../driver/memory/queue/time-heap.ts';

/** A clock that stands still until a test moves it. */
export interface TestClock extends Clock {
  /**
   * Moves time forward by `ms`, running every timer that falls due in the order of its time (those of one moment in the
   * order they were started), and letting promise chains and `setImmediate` callbacks go on between two timers.
   * Rejects with what a timer's function throws.
   */
  advance(ms: number): Promise<void>;
  /**
   * Moves time forward by `ms` at once, as for a machine that slept: every timer that is due by then runs once, late, in the order of
   * its time. Days pass in milliseconds, since what happens every second happens once. Rejects as `advance` does.
   */
  leap(ms: number): Promise<void>;
  /**
   * When the next timer is due that is no maintenance, epoch ms; undefined when there is none. With `maintenance`, of those that are.
   */
  next(kind?: 'maintenance'): number | undefined;
  /** Timers that are waiting. */
  readonly pending: number;
}

interface TestTimer {
  readonly at: number;
  readonly fn: () => void;
  readonly maintenance: boolean;
}

/** Turns of the event loop after each timer: enough for chains of a few `setImmediate` with promises between them. */
const turnsPerTimer = 4;

/** Taken at once, so that fake timers installed later by a test do not stop this clock. */
const nextTurn = setImmediate;

/** A clock for tests, which starts at `start` (epoch ms). @default 2026-01-01T00:00:00Z */
export function createTestClock(start: number = Date.UTC(2026, 0, 1)): TestClock {
  const heap = new TimeHeap<TestTimer>();
  const waiting = new Set<TestTimer>();
  let now = start;
  let advancing = false;

  const runUntil = async (target: number): Promise<void> => {
    await flush();
    for (let timer = heap.popDue(target); timer; timer = heap.popDue(target)) {
      if (!waiting.delete(timer)) continue; // cancelled
      now = timer.at;
      timer.fn();
      await flush();
    }
    now = target;
    await flush();
  };

  const leapTo = async (target: number): Promise<void> => {
    await flush();
    now = target;
    for (let timer = heap.popDue(target); timer; timer = heap.popDue(target)) {
      if (!waiting.delete(timer)) continue; // cancelled
      timer.fn();
      await flush();
    }
    await flush();
  };

  const alone = async (work: () => Promise<void>): Promise<void> => {
    if (advancing) throw new Error('advance() is still running: await it before the next one');
    advancing = true;
    try {
      await work();
    } finally {
      advancing = false;
    }
  };

  return {
    now: () => now,
    monotonic: () => now - start,
    after(ms, fn, options?: TimerOptions) {
      const maintenance = options?.maintenance ?? options?.background ?? false;
      const timer = { at: now + Math.max(0, ms || 0), fn, maintenance };
      waiting.add(timer);
      heap.push(timer.at, timer);
      return { cancel: () => void waiting.delete(timer) };
    },
    advance: (ms) => alone(() => runUntil(now + ms)),
    leap: (ms) => alone(() => leapTo(now + ms)),
    next(kind) {
      let soonest = Number.POSITIVE_INFINITY;
      for (const { at, maintenance } of waiting)
        if (maintenance === (kind === 'maintenance')) soonest = Math.min(soonest, at);
      return soonest === Number.POSITIVE_INFINITY ? undefined : soonest;
    },
    get pending() {
      return waiting.size;
    },
  };
}

async function flush(): Promise<void> {
  for (let turn = 0; turn < turnsPerTimer; turn += 1) await new Promise<void>((resolve) => nextTurn(resolve));
}
