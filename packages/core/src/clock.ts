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
  /** Calls `fn` once after `ms`. A timer started with `{ background: true }` does not keep the process alive. */
  after(ms: number, fn: () => void, options?: { readonly background?: boolean }): Timer;
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
