/** For tests of drivers and apps. The conformance suites need vitest, an optional peer. The same door as @lovage/core/testing. */
export type {
  ConformanceOptions,
  Deferred,
  FastLease,
  Harness,
  ScenarioOptions,
  ScenarioStore,
  TestClock,
  WaitOptions,
} from '@lovage/core/testing';
export {
  brokerConformance,
  busConformance,
  createTestClock,
  deferred,
  injectRaw,
  leaseConformance,
  loseLease,
  rateLimiterConformance,
  resultBackendConformance,
  scenarios,
  scheduleStoreConformance,
  uniqueKeyConformance,
  until,
  within,
} from '@lovage/core/testing';
