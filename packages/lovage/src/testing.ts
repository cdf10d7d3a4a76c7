/** For tests of apps; needs no test runner. The same door as @lovage/core/testing. */
export type { Deferred, TestClock, WaitOptions } from '@lovage/core/testing';
export { createTestClock, deferred, injectRaw, loseLease, until, within } from '@lovage/core/testing';
