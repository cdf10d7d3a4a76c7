import { sleep, systemClock, withDeadline } from '../clock.ts';

/** How {@link until} and {@link within} wait. */
export interface WaitOptions {
  /** Milliseconds until it is an error. @default 30000 */
  readonly timeout?: number;
  /** What is waited for, in the error; a function is asked when the time is over. */
  readonly what?: string | (() => string);
}

const defaultTimeout = 30_000;
/** Milliseconds between two looks. */
const interval = 5;

/** Looks again and again until `probe` gives something truthy, and returns it. Rejects when the time is over, or as `probe` does. */
export async function until<T>(probe: () => T | Promise<T>, options: WaitOptions = {}): Promise<T> {
  const { timeout = defaultTimeout, what = 'a condition' } = options;
  const start = systemClock.monotonic();
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (systemClock.monotonic() - start > timeout) throw tooLate(timeout, what);
    await sleep(systemClock, interval);
  }
}

/** Settles as `work` does, or rejects when the time is over. */
export function within<T>(work: Promise<T>, options: WaitOptions = {}): Promise<T> {
  const { timeout = defaultTimeout, what = 'a promise' } = options;
  return withDeadline(systemClock, timeout, work, () => tooLate(timeout, what));
}

function tooLate(timeout: number, what: string | (() => string)): Error {
  return new Error(`waited ${timeout} ms for ${typeof what === 'string' ? what : what()}`);
}

/** A promise with its handles outside. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/** A promise that a test settles itself. */
export function deferred<T = void>(): Deferred<T> {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}
