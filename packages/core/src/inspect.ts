/** Looking at queues and workers. */

export type { AccessGrant, AccessRequest, AccessRole } from './driver/access.ts';
export type { DeadLetter, MessageLocation, QueueCounts } from './driver/monitor.ts';
export type { SchemaKeeper, SchemaStatus } from './driver/schema-keeper.ts';
export type { Finding } from './events/finding.ts';
export type { QueueLoad, WorkerReport } from './events/worker-report.ts';
export type { AuditEntry } from './history/history-store.ts';
export type { RunRow, RunState } from './history/run-row.ts';
export { accessOf } from './inspect/access.ts';
export { type Capacity, type CapacityOptions, measureCapacity, type Waits } from './inspect/capacity.ts';
export type { DeadLetterFilter } from './inspect/dead-letter-filter.ts';
export { tagsOf as tagsOfLetter } from './inspect/dead-letter-filter.ts';
export type { ReplayEdits } from './inspect/dead-letter-replay.ts';
export { type DeadLetterListOptions, DeadLetters, type Replayed, type ReplayOptions } from './inspect/dead-letters.ts';
export { type DescribedRun, describeRun } from './inspect/describe-run.ts';
export { type DescribedTask, describeTasks } from './inspect/describe-tasks.ts';
export { type DiagnoseOptions, diagnose } from './inspect/diagnose.ts';
export { explainSettings } from './inspect/explain-settings.ts';
export { explainTaskWait } from './inspect/explain-task-wait.ts';
export type { ImportedCall, ImportOptions, ImportReport, JobMapping } from './inspect/import-jobs.ts';
export { type AskOptions, type FleetStatus, Inspector, type WaitingTask } from './inspect/inspector.ts';
export {
  type GrowingQueue,
  type Health,
  type HealthFacts,
  type HealthReason,
  judgeHealth,
  type SilentWorker,
} from './inspect/judge-health.ts';
export { registeredTasks } from './inspect/registered-tasks.ts';
export { type MinuteCounts, type RunFilter, RunHistory, type RunPage } from './inspect/run-history.ts';
export { type StoreSchema, storeSchemas } from './inspect/store-schemas.ts';
export { type GraphFormat, graphOf, renderGraph } from './inspect/task-graph.ts';
export { type TaskStats, taskStats } from './inspect/task-stats.ts';
export type { ForeignJob, ForeignRest } from './message/foreign-queue.ts';
export type { Message } from './message/message.ts';
export type { GraphEdge, GraphNode, TaskGraph } from './results/task-graph.ts';
export type { Setting } from './settings/app-options.ts';
