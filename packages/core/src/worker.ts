/** Running tasks. */

export { includedModules } from './app/include.ts';
export type { AttemptCounts, RunningTask, WorkerReport } from './events/worker-report.ts';
export type { WorkerSettings } from './settings/app-options.ts';
export { type Overrides, setOverrides } from './settings/overrides.ts';
export type { AutoscaleLimits } from './worker/background/autoscale.ts';
export { type Relay, type RelayOptions, startRelay } from './worker/background/outbox-relay.ts';
export type {
  /** @deprecated called UnpolledQueue */
  UnpolledQueue as Silence,
  UnpolledQueue,
} from './worker/background/poll-watch.ts';
export { consumedQueues, type UnconsumedTask, unconsumedTasks } from './worker/consumed-queues.ts';
export type { Attempt } from './worker/execution/attempt.ts';
export type { AttemptResult } from './worker/execution/attempt-result.ts';
export type { BlockedLimitAction } from './worker/loop/blocked-loop.ts';
export type { Middleware, Next } from './worker/middleware/middleware.ts';
export type { AppModule } from './worker/pool/child-message.ts';
export type { PoolKind } from './worker/pool/pool.ts';
export { startWorker, type WorkerOptions } from './worker/start-worker.ts';
export { type ShutdownReport, Worker } from './worker/worker.ts';
