import { onAbort } from './abort-signal.ts';

/** A running timer, to be cancelled. */
export interface Timer {
  cancel(): void;
}

/** Time, as everything that waits takes it: the system's, or a test's. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Milliseconds that only grow, for measuring durations. */
  monotonic(): number;
  /** Calls `fn` once after `ms`. */
  after(ms: number, fn: () => void, options?: TimerOptions): Timer;
}

/** How a timer is meant. */
export interface TimerOptions {
  /** It does not keep the process alive. @default false */
  readonly background?: boolean;
  /**
   * Maintenance that comes again and again (leases, heartbeats, sweeps): a test clock that looks for what happens next passes it over.
   * @default what `background` is
   */
  readonly maintenance?: boolean;
}

/** A clock that goes by another one, which tests replace. */
export class ReplaceableClock implements Clock {
  /** The clock that it goes by. */
  current: Clock;

  constructor(current: Clock) {
    this.current = current;
  }

  now(): number {
    return this.current.now();
  }

  monotonic(): number {
    return this.current.monotonic();
  }

  after(ms: number, fn: () => void, options?: TimerOptions): Timer {
    return this.current.after(ms, fn, options);
  }
}

/** setTimeout overflows above this and would fire at once: longer timers go in legs. */
const longestTimer = 2_147_483_647;

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fn, options) {
    let handle: NodeJS.Timeout;
    const start = (left: number): void => {
      const leg = Math.min(Math.max(0, left), longestTimer);
      handle = setTimeout(left > leg ? () => start(left - leg) : fn, leg);
      if (options?.background) handle.unref();
    };
    start(ms);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** From so many milliseconds on a clock was set: one that is put right little by little goes wrong by a third of that in a minute. */
const stepFrom = 100;

/** How far a clock is ahead of its monotonic one, in milliseconds: it stays so until the clock is set. */
export function leadOf(clock: Clock): number {
  return clock.now() - clock.monotonic();
}

/** By how many whole milliseconds a clock was set since its lead was `lead`, or its monotonic one stood still; 0 below 100. */
export function stepSince(clock: Clock, lead: number): number {
  const step = Math.round(leadOf(clock) - lead);
  return Math.abs(step) < stepFrom ? 0 : step;
}

/** Resolves after `ms` on that clock; rejects with the signal's reason when it aborts first. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = clock.after(ms, () => {
      forget?.();
      resolve();
    });
    const forget =
      signal &&
      onAbort(signal, () => {
        timer.cancel();
        reject(signal.reason);
      });
  });
}

/** Settles as `work` does, or rejects with `late()` after `ms`. The work itself is not stopped. */
export function withDeadline<T>(clock: Clock, ms: number, work: Promise<T>, late: () => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(ms, () => reject(late()));
    work.then(
      (value) => {
        timer.cancel();
        resolve(value);
      },
      (error: unknown) => {
        timer.cancel();
        reject(error);
      },
    );
  });
}

/** Between two looks at the clock that are further apart, in milliseconds, it may have been set. */
const restless = 1_000;

/**
 * The broker's clock, as far as this machine knows it: its own, put right by the difference that was measured last. Moments that
 * cross machines (when a delayed message is due, when one expires) are told by it, since no two machines agree. Durations
 * and timers are the machine's own. When the machine's clock is set, the monotonic one is gone by until the difference is measured anew.
 */
export class BrokerClock implements Clock {
  readonly #clock: Clock;
  readonly #offset: () => number | Promise<number>;
  #ahead = 0;
  /** What the machine's clock was ahead of its monotonic one when the difference was measured. */
  #lead: number;
  #step = 0;
  #last: number;

  /** `offset` measures, or answers with what was measured a moment ago; never rejects. */
  constructor(clock: Clock, offset: () => number | Promise<number>) {
    this.#clock = clock;
    this.#offset = offset;
    this.#last = clock.now();
    this.#lead = leadOf(clock);
  }

  /** How many milliseconds the broker's clock is ahead of this machine's; 0 until it was measured. */
  get ahead(): number {
    return this.#ahead;
  }

  now(): number {
    const now = this.#clock.now();
    if (now < this.#last || now > this.#last + restless) this.#look();
    this.#last = now;
    return now - this.#step + this.#ahead;
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  after(ms: number, fn: () => void, options?: TimerOptions): Timer {
    return this.#clock.after(ms, fn, options);
  }

  /** Begins anew on a clock that was replaced. */
  reset(): void {
    [this.#ahead, this.#step, this.#lead, this.#last] = [0, 0, leadOf(this.#clock), this.#clock.now()];
  }

  /** Measures; resolves with {@link BrokerClock.ahead}. */
  async measure(): Promise<number> {
    const lead = leadOf(this.#clock);
    this.#ahead = Math.round(await this.#offset());
    [this.#lead, this.#step] = [lead, 0];
    return this.#ahead;
  }

  #look(): void {
    const step = stepSince(this.#clock, this.#lead);
    if (step !== 0 && this.#step === 0) void this.measure(); // never rejects
    if (step !== 0) this.#step = step;
  }
}
