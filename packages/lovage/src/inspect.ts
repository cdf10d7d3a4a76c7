/** Looking at queues and workers. The same door as @lovage/core/inspect. */
export type {
  AskOptions,
  Capacity,
  CapacityOptions,
  DeadLetter,
  DeadLetterFilter,
  DeadLetterListOptions,
  FleetStatus,
  GraphEdge,
  GraphFormat,
  GraphNode,
  QueueCounts,
  QueueLoad,
  ReplayEdits,
  Replayed,
  ReplayOptions,
  Setting,
  TaskGraph,
  WaitingTask,
  Waits,
  WorkerReport,
} from '@lovage/core/inspect';
export { DeadLetters, explainSettings, graphOf, Inspector, measureCapacity, renderGraph } from '@lovage/core/inspect';
