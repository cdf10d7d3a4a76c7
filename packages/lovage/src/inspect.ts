/** Looking at queues and workers. The same door as @lovage/core/inspect. */
export type {
  AskOptions,
  DeadLetter,
  DeadLetterFilter,
  FleetStatus,
  DeadLetterListOptions,
  QueueCounts,
  Replayed,
  ReplayEdits,
  ReplayOptions,
  Setting,
  WorkerReport,
} from '@lovage/core/inspect';
export { DeadLetters, explainSettings, Inspector } from '@lovage/core/inspect';
