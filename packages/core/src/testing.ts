/** For tests of drivers and apps. The conformance suites need vitest, an optional peer. */
export { admissionConformance } from './testing/conformance/admission-conformance.ts';
export { brokerConformance } from './testing/conformance/broker-conformance.ts';
export { busConformance } from './testing/conformance/bus-conformance.ts';
export { claimConformance } from './testing/conformance/claim-conformance.ts';
export { directoryConformance } from './testing/conformance/directory-conformance.ts';
export type { ConformanceOptions, FastLease, Harness, HarnessNeeds } from './testing/conformance/harness.ts';
export { leaseConformance } from './testing/conformance/lease-conformance.ts';
export { resultBackendConformance } from './testing/conformance/result-backend-conformance.ts';
export { retentionConformance } from './testing/conformance/retention-conformance.ts';
export { revocationConformance } from './testing/conformance/revocation-conformance.ts';
export { scheduleStoreConformance } from './testing/conformance/schedule-store-conformance.ts';
export { injectRaw, loseLease } from './testing/memory-hooks.ts';
export type { ScenarioStore } from './testing/scenarios/scenario-bench.ts';
export { type ScenarioOptions, scenarios } from './testing/scenarios/scenarios.ts';
export type { TestClock } from './testing/test-clock.ts';
export { createTestClock } from './testing/test-clock.ts';
export type { Deferred, WaitOptions } from './testing/until.ts';
export { deferred, until, within } from './testing/until.ts';
