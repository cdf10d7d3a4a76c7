/** For tests of apps: a clock that tests move, waits for a state, faults of the memory driver. Needs no test runner. */

export { injectRaw, loseLease } from './testing/memory-hooks.ts';
export type { TestClock } from './testing/test-clock.ts';
export { createTestClock } from './testing/test-clock.ts';
export type { Deferred, WaitOptions } from './testing/until.ts';
export { deferred, until, within } from './testing/until.ts';
