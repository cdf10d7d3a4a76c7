/** Tasks, calls, results: what application code imports. */
export { Lovage } from './app/app.ts';
export type { AppConf, AppOptions, ConnectionSettings, WorkerSettings } from './app/app-options.ts';
export type { TaskDecorator, TasksOf } from './app/task-decorator.ts';
export type { Task } from './app/task-handle.ts';
export { Signature, type SignatureData } from './canvas/signature.ts';
export {
  BrokerAuthenticationError,
  BrokerMemoryError,
  BrokerUnavailableError,
  BrokerUrlError,
  ClosedError,
  ConfigurationError,
  DuplicateTaskError,
  type ErrorCode,
  Ignore,
  LeaseLostError,
  LovageError,
  MalformedMessageError,
  MaxRetriesExceededError,
  NoCurrentTaskError,
  NoResultBackendError,
  NotSupportedError,
  PayloadNotSerializableError,
  PayloadTooLargeError,
  PublishError,
  Reject,
  ResultBackendUnavailableError,
  ResultExpiredError,
  ResultTimeoutError,
  Retry,
  SoftTimeLimitExceeded,
  TaskFailedError,
  TaskRevokedError,
  TaskValidationError,
  TimeLimitExceeded,
  UnboundTaskError,
  UnknownSchemeError,
  UnknownTaskError,
  UnsafeBrokerError,
  type ValidationIssue,
  WorkerLostError,
  WorkerShutdownError,
} from './errors.ts';
export type { LogFields, Logger, LogLevel } from './logger.ts';
export type { CallOptions } from './producer/call-options.ts';
export { AsyncResult, type GetOptions } from './results/async-result.ts';
export type { Duration, Instant } from './task/duration.ts';
export type { JsonValue } from './task/json.ts';
export type { OutcomeRecord } from './task/outcome.ts';
export type { ErrorMatcher } from './task/retry-policy.ts';
export type { Route, RouteFunction, TaskRoutes } from './task/route.ts';
export type { Schema, SchemaInput, SchemaOutput } from './task/schema.ts';
export { type BuiltInState, canMove, isTerminal, type TaskState, taskStates, transitions } from './task/state.ts';
export { currentTask, type RetryOptions, type TaskContext } from './task/task-context.ts';
export type { TaskOptions } from './task/task-options.ts';
