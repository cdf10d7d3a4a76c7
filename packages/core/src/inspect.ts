/** Looking at queues and workers. */
export type { Setting } from './app/app-options.ts';
export type { DeadLetter, QueueCounts } from './driver/monitor.ts';
export type { WorkerReport } from './events/worker-report.ts';
export { explainSettings } from './inspect/explain-settings.ts';
export { type AskOptions, type FleetStatus, Inspector } from './inspect/inspector.ts';
export { registeredTasks } from './inspect/registered-tasks.ts';
