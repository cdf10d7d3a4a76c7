/** Running tasks. The same door as @lovage/core/worker. */
export type {
  Attempt,
  AttemptCounts,
  AttemptResult,
  AutoscaleLimits,
  Middleware,
  Next,
  Overrides,
  RunningTask,
  ShutdownReport,
  WorkerOptions,
  WorkerReport,
  WorkerSettings,
} from '@lovage/core/worker';
export { setOverrides, startWorker, Worker } from '@lovage/core/worker';
