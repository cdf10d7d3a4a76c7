/** For tests of apps; needs no test runner. The same door as @lovage/core/testing. */
export type {
  Deferred,
  Fault,
  RecordedRun,
  SentMatch,
  SentTask,
  TaskSpy,
  TestAppOptions,
  TestClock,
  WaitOptions,
} from '@lovage/core/testing';
export {
  createMessage,
  createTestClock,
  deferred,
  Faults,
  injectRaw,
  loseLease,
  TestApp,
  testApp,
  until,
  within,
} from '@lovage/core/testing';
