/** Running tasks. The same door as @lovage/core/worker. */
export type {
  Attempt,
  AttemptCounts,
  AttemptResult,
  AutoscaleLimits,
  Middleware,
  Next,
  Overrides,
  Relay,
  RelayOptions,
  RunningTask,
  ShutdownReport,
  WorkerOptions,
  WorkerReport,
  WorkerSettings,
} from '@lovage/core/worker';
export { setOverrides, startRelay, startWorker, Worker } from '@lovage/core/worker';
