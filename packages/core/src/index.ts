/** Tasks, calls, results: what application code imports. */

export { Lovage, type TaskDefaults, type TaskDefiner } from './app/app.ts';
export {
  AppControl,
  AppInspect,
  type ControlOptions,
  type HaltedKey,
  type Replies,
  type RevokeOptions,
  type StampedRevocation,
  type StampedRevokeOptions,
} from './app/app-control.ts';
export { AppEvents } from './app/app-events.ts';
export type { BatchTaskOptions } from './app/batch-task.ts';
export type { FailedTask, FailureFilter } from './app/failed-task.ts';
export type { AppFailures, FailureListOptions, FailureRetryOptions, Retried, RetryEdits } from './app/failures.ts';
export type { AppGates, GateFilter, WaitingGate } from './app/gates.ts';
export type { StampedHeaders } from './app/revoker.ts';
export { SharedTasks, task, tasks } from './app/shared-tasks.ts';
export type { TaskDecorator, TasksOf } from './app/task-decorator.ts';
export type { Task } from './app/task-handle.ts';
export { Chain, chain } from './canvas/chain.ts';
export { Chord, chord } from './canvas/chord.ts';
export { Gate, type GateOptions, gate } from './canvas/gate.ts';
export { Group, group } from './canvas/group.ts';
export type { Outbox, OutboxOptions, Sendable } from './canvas/outbox.ts';
export { type AnySignature, Signature } from './canvas/signature.ts';
export type { CanvasData, ChainData, ChordData, GateData, GroupData, SignatureData } from './canvas/signature-data.ts';
export {
  BrokerAuthenticationError,
  BrokerCommandError,
  BrokerDataLossError,
  BrokerMemoryError,
  BrokerTlsError,
  BrokerUnavailableError,
  BrokerUrlError,
  ClosedError,
  CompensationFailedError,
  ConfigurationError,
  ConsumerWedgedError,
  DeadlineExceeded,
  DecryptionError,
  DuplicateTaskError,
  type ErrorCode,
  EventTimeoutError,
  ForeignQueueError,
  GateDecidedError,
  GateRejectedError,
  GateTimeoutError,
  LeaseLostError,
  LockLostError,
  LockReleasedError,
  LockTimeoutError,
  LovageError,
  MalformedMessageError,
  MaxRetriesExceededError,
  NoCurrentTaskError,
  NoResultBackendError,
  NotSupportedError,
  NoWorkerError,
  PayloadNotSerializableError,
  PayloadTooLargeError,
  PluginError,
  PublishError,
  ResultBackendUnavailableError,
  ResultExpiredError,
  ResultTimeoutError,
  RunStateError,
  SignatureError,
  SoftTimeLimitExceeded,
  StepTimeoutError,
  TaskFailedError,
  TaskNotUniqueError,
  TaskRevokedError,
  TaskValidationError,
  TimeLimitExceeded,
  TopicValidationError,
  UnboundTaskError,
  UnknownFailureError,
  UnknownGateError,
  UnknownRunError,
  UnknownScheduleError,
  UnknownSchemeError,
  UnknownTaskError,
  UnsafeBrokerError,
  type ValidationIssue,
  WorkerLostError,
  WorkerShutdownError,
  WorkflowCancelledError,
  WorkflowDivergedError,
  WorkflowLimitError,
  WorkflowMisuseError,
  WorkflowTimeoutError,
} from './errors.ts';
export type {
  EventFields,
  EventOf,
  EventType,
  LovageEvent,
  TaskEventFields,
  WorkerEventFields,
} from './events/event.ts';
export type { FailureGroup, RunError } from './history/run-row.ts';
export type { Election, ElectionOptions } from './locks/elect.ts';
export type { Lock, LockOptions } from './locks/lock.ts';
export type { LogFields, Logger, LogLevel } from './logger.ts';
export { Ignore, Reject, Replace, Retry } from './message/control-signal.ts';
export type { JsonValue } from './message/json.ts';
export type { OutcomeRecord } from './message/outcome.ts';
export { type BuiltInState, canMove, isTerminal, type TaskState, taskStates, transitions } from './message/outcome.ts';
export {
  type BroadcastOptions,
  type BroadcastReply,
  BroadcastResult,
  type BroadcastTask,
} from './messaging/broadcast.ts';
export { defineTopic, type Topic, type TopicMessage, type TopicOptions } from './messaging/topic.ts';
export type { SubscriptionOptions, TopicGroup } from './messaging/topic-groups.ts';
export type { AppTopics, Published, PublishOptions, SubscriberTask, TopicHandler } from './messaging/topics.ts';
export type { Duration, Instant } from './options/duration.ts';
export type { ConcurrencyOptions, FairnessOptions, OrderingPolicy } from './options/flow-options.ts';
export type { Schema, SchemaInput, SchemaOutput } from './options/schema.ts';
export { secret } from './options/secret.ts';
export type { DebounceOptions, KeyFunction, ThrottleOptions, UniqueOptions } from './options/unique-rule.ts';
export type {
  OutgoingCall,
  Plugin,
  PluginHooks,
  PublishedTask,
  TaskInfo,
  TaskRun,
  WorkerInfo,
} from './plugins/plugin.ts';
export type { CallOptions } from './producer/call-options.ts';
export { AsyncResult, type GetOptions } from './results/async-result.ts';
export { GroupResult, type JoinOptions } from './results/group-result.ts';
export type { GraphEdge, GraphNode, TaskGraph } from './results/task-graph.ts';
export type { CatchUp, Overlap, Schedulable, ScheduleOptions } from './schedules/schedule.ts';
export type { CrontabField, CrontabFields } from './schedules/schedule-fields.ts';
export { at, type Crontab, type CrontabOptions, crontab, every, type ScheduleTime } from './schedules/schedule-time.ts';
export type {
  ControlMode,
  EncryptionOptions,
  EncryptionSubject,
  KeyUse,
  SecurityOptions,
  SigningKey,
  SigningOptions,
} from './security/security-options.ts';
export type { AppConf, AppOptions, ConnectionSettings, WorkerSettings } from './settings/app-options.ts';
export type { RetentionSettings } from './settings/retention-settings.ts';
export { type DriverLoader, registerDriverLoaders } from './stores/driver-loaders.ts';
export type { BatchItem, BatchOptions, BatchValues } from './task/batch.ts';
export type { BackoffFunction, ErrorMatcher } from './task/retry-policy.ts';
export type { Route, RouteFunction, TaskRoutes } from './task/route.ts';
export { currentTask, type RetryOptions, type TaskContext } from './task/task-context.ts';
export type { EndedTask, PluginTaskOptions, TaskOptions } from './task/task-options.ts';
export type { Once, OnceOptions, TransactionOf } from './task/transaction.ts';
export type { AppWorkflows, RunCheck, RunListOptions } from './workflow/app-workflows.ts';
export type { StepFunction } from './workflow/engine/run-step.ts';
export type { EntryKind } from './workflow/log-entry.ts';
export type { Run, RunStatus } from './workflow/run.ts';
export type { StepInfo } from './workflow/step-context.ts';
export type { StepOptions } from './workflow/step-options.ts';
export type { RunStep } from './workflow/timeline.ts';
export type { StartOptions, Workflow } from './workflow/workflow.ts';
export type { WorkflowOptions } from './workflow/workflow-code.ts';
export type { EventOptions, WorkflowContext } from './workflow/workflow-context.ts';
