/** Running tasks. */
export type { WorkerSettings } from './app/app-options.ts';
export { type Overrides, setOverrides } from './app/overrides.ts';
export type { AttemptCounts, RunningTask, WorkerReport } from './events/worker-report.ts';
export type { Attempt } from './worker/attempt.ts';
export type { AttemptResult } from './worker/attempt-result.ts';
export type { AutoscaleLimits } from './worker/autoscale.ts';
export type { Middleware, Next } from './worker/middleware.ts';
export type { Silence } from './worker/poll-watch.ts';
export type { AppModule } from './worker/pool/child-message.ts';
export type { PoolKind } from './worker/pool/pool.ts';
export { startWorker, type WorkerOptions } from './worker/start-worker.ts';
export { type ShutdownReport, Worker } from './worker/worker.ts';
