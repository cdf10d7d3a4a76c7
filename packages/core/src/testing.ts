/** For tests of apps: apps on a virtual clock, spies, fakes and faults; a clock that tests move, waits for a state, faults of the memory driver. Needs no test runner. */

export { type Fault, Faults } from './testing/kit/faults.ts';
export { createMessage } from './testing/kit/message-factory.ts';
export { type SentMatch, type SentTask, TestApp, type TestAppOptions, testApp } from './testing/kit/test-app.ts';
export type { RecordedRun, TaskSpy } from './testing/kit/test-double.ts';
export { injectRaw, loseLease } from './testing/memory-hooks.ts';
export type { TestClock } from './testing/test-clock.ts';
export { createTestClock } from './testing/test-clock.ts';
export type { Deferred, WaitOptions } from './testing/until.ts';
export { deferred, until, within } from './testing/until.ts';
