/** Looking at queues and workers. The same door as @lovage/core/inspect. */
export type {
  AskOptions,
  DeadLetter,
  DeadLetterFilter,
  DeadLetterListOptions,
  FleetStatus,
  GraphEdge,
  GraphFormat,
  GraphNode,
  QueueCounts,
  ReplayEdits,
  Replayed,
  ReplayOptions,
  Setting,
  TaskGraph,
  WorkerReport,
} from '@lovage/core/inspect';
export { DeadLetters, explainSettings, graphOf, Inspector, renderGraph } from '@lovage/core/inspect';
