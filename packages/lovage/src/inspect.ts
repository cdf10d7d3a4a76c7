/** Looking at queues and workers. The same door as @lovage/core/inspect. */
export type { AskOptions, DeadLetter, FleetStatus, QueueCounts, Setting, WorkerReport } from '@lovage/core/inspect';
export { explainSettings, Inspector } from '@lovage/core/inspect';
