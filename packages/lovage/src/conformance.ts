/** The conformance suites for drivers; they need vitest, an optional peer. The same door as @lovage/core/conformance. */
export type { ConformanceOptions, FastLease, Harness, ScenarioOptions, ScenarioStore } from '@lovage/core/conformance';
export {
  brokerConformance,
  busConformance,
  leaseConformance,
  rateLimiterConformance,
  resultBackendConformance,
  scenarios,
  scheduleStoreConformance,
  uniqueKeyConformance,
} from '@lovage/core/conformance';
