/** Running tasks. */
export type { WorkerSettings } from './app/app-options.ts';
export { type Overrides, setOverrides } from './app/overrides.ts';
export type { Attempt, AttemptResult } from './worker/attempt.ts';
export type { Middleware, Next } from './worker/middleware.ts';
export { type ShutdownReport, startWorker, Worker, type WorkerOptions, type WorkerReport } from './worker/worker.ts';
export type { AttemptCounts, RunningTask } from './worker/worker-stats.ts';
