/** The conformance suites that a driver must pass. They register their cases with vitest, an optional peer. */

export { brokerConformance } from './testing/conformance/broker/broker-conformance.ts';
export type { ConformanceOptions, FastLease, Harness, HarnessNeeds } from './testing/conformance/harness.ts';
export { historyConformance } from './testing/conformance/history-conformance.ts';
export { resultBackendConformance } from './testing/conformance/results/result-backend-conformance.ts';
export { busConformance } from './testing/conformance/stores/bus-conformance.ts';
export { leaseConformance } from './testing/conformance/stores/lease-conformance.ts';
export { rateLimiterConformance } from './testing/conformance/stores/rate-limiter-conformance.ts';
export { retentionConformance } from './testing/conformance/stores/retention-conformance.ts';
export { revocationConformance } from './testing/conformance/stores/revocation-conformance.ts';
export { scheduleStoreConformance } from './testing/conformance/stores/schedule-store-conformance.ts';
export { semaphoreConformance } from './testing/conformance/stores/semaphore-conformance.ts';
export { sharedRegistryConformance } from './testing/conformance/stores/shared-registry-conformance.ts';
export { uniqueKeyConformance } from './testing/conformance/stores/unique-key-conformance.ts';
export { workflowConformance } from './testing/conformance/workflow-conformance.ts';
export type { ScenarioStore } from './testing/scenarios/scenario-bench.ts';
export { type ScenarioOptions, scenarios } from './testing/scenarios/scenarios.ts';
