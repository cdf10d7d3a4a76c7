/** What connectors to other systems need of an app. Not covered by semantic versioning yet. */

export type { Clock } from './clock.ts';
export { sleep } from './clock.ts';
export { ConnectorHost, type ConnectorTarget, type RefusedCalls } from './connector/connector-host.ts';
export type { ParkedLetter } from './driver/monitor.ts';
export type { RegistryEntry, SharedRegistry } from './driver/shared-registry.ts';
export { parseDuration } from './options/duration.ts';
export type { NamedCall } from './producer/named-call.ts';
export { pauseAfter, type RetryRule } from './retry.ts';
