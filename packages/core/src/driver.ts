/** The seams, for driver authors. Not covered by semantic versioning yet. */

export { onAbort } from './abort-signal.ts';
export { stepId } from './canvas/freeze.ts';
export type { Clock, Timer } from './clock.ts';
export { leadOf, sleep, stepSince, systemClock, withDeadline } from './clock.ts';
export type { AccessGrant, AccessRequest, AccessRole } from './driver/access.ts';
export { accessRoles, passwordPlaceholder } from './driver/access.ts';
export type {
  AckJoin,
  BlockedMessage,
  Broker,
  CloseReport,
  ConsumeRequest,
  Consumer,
  Deliver,
  Delivery,
  MalformedEntry,
  Settled,
  Settlement,
} from './driver/broker.ts';
export { blockedUntil, visibleAt } from './driver/broker.ts';
export type { Bus } from './driver/bus.ts';
export { type Coordinated, type Coordination, coordinate, type StoredDocument } from './driver/coordination.ts';
export type { Connection, ConnectionOptions, Driver, DriverContext, StoreReport } from './driver/driver.ts';
export type { LeaseGuard, LeaseGuardModule, LeaseGuardPlan, LeaseGuardSource } from './driver/lease-guard.ts';
export type { LeaseStore } from './driver/lease-store.ts';
export type {
  DeadLetter,
  DeadLetterPage,
  MessageLocation,
  Monitor,
  ParkedLetter,
  QueueCounts,
  UndeliveredPage,
} from './driver/monitor.ts';
export type {
  CanvasGroupNode,
  CanvasNode,
  CanvasPlace,
  CanvasSequenceNode,
  CanvasTaskNode,
  NativeCanvas,
} from './driver/native-canvas.ts';
export type {
  RateCandidate,
  RateEntry,
  RateLimiter,
  RatePlace,
  RateReply,
  RateRequest,
  WakeReply,
  WakeRequest,
} from './driver/rate-limiter.ts';
export { createReservingLimiter, mostUnderWay, rateOrder, rateTimes, underWayPause } from './driver/rate-limiter.ts';
export type {
  JoinMember,
  JoinState,
  ResultBackend,
  ResultNotification,
  Subscription,
} from './driver/result-backend.ts';
export { defaultRetention, isSweepable, type Retention } from './driver/retention.ts';
export type { RevocationRule, RevocationStore, Revocations, StampValue } from './driver/revocation-store.ts';
export type { ScheduleEntry, ScheduleStore } from './driver/schedule-store.ts';
export type { SchemaKeeper, SchemaStatus } from './driver/schema-keeper.ts';
export type {
  AcquireRequest,
  AcquireResult,
  GrantedSlot,
  HeldSlot,
  ReconcileRequest,
  Semaphore,
  SlotHolder,
  Urgency,
} from './driver/semaphore.ts';
export { memberOf, recheckAfter, slotHolderOf } from './driver/semaphore.ts';
export type { RegistryEntry, SharedRegistry } from './driver/shared-registry.ts';
export { tlsOptions, tlsProblem } from './driver/tls.ts';
export type {
  DebounceWindow,
  HeldUniqueKey,
  UniqueKeyHolder,
  UniqueKeyRequest,
  UniqueKeyStore,
} from './driver/unique-key-store.ts';
export type {
  AppendReply,
  Delivered,
  HeaderChange,
  InboxItem,
  NewInboxItem,
  NewRun,
  RunChange,
  RunFilter,
  RunHeader,
  StoredRun,
  TakenRun,
  TakeRequest,
  WorkflowState,
  WorkflowStore,
} from './driver/workflow-store.ts';
export { isWorkflowEnded, mostInboxItems, workflowStates } from './driver/workflow-store.ts';
export {
  BrokerAuthenticationError,
  BrokerCommandError,
  BrokerDataLossError,
  BrokerMemoryError,
  BrokerTlsError,
  BrokerUnavailableError,
  BrokerUrlError,
  ClosedError,
  ConfigurationError,
  ForeignQueueError,
  LeaseLostError,
  LovageError,
  MalformedMessageError,
  NotSupportedError,
  PayloadTooLargeError,
  PublishError,
  ResultBackendUnavailableError,
} from './errors.ts';
export { changeTopic, controlTopic, topicOf } from './events/control-message.ts';
export type { Finding } from './events/finding.ts';
export {
  type AuditEntry,
  defaultHistoryLimits,
  type FailureQuery,
  type HistoryBatch,
  type HistoryLimits,
  type HistoryStore,
  type RunRowPage,
} from './history/history-store.ts';
export { type Buckets, bucketBounds, type MinuteStats, minuteMs } from './history/minute-stats.ts';
export {
  type FailureEntry,
  type FailureGroup,
  kindOf,
  type RunError,
  type RunKind,
  type RunRow,
  type RunState,
} from './history/run-row.ts';
export type { LogFields, Logger } from './logger.ts';
export { ownIdOf } from './message/child-id.ts';
export type { Failure } from './message/failure.ts';
export { toFailure } from './message/failure.ts';
export type { ForeignJob, ForeignJobPage, ForeignQueue, ForeignRest } from './message/foreign-queue.ts';
export type { JsonValue } from './message/json.ts';
export type { Message } from './message/message.ts';
export { messageVersion } from './message/message.ts';
export type { ReadableParts } from './message/message-parser.ts';
export { parseMessage, parseMessageText, readableParts } from './message/message-parser.ts';
export type { Outcome, OutcomeRecord, OutcomeWrite } from './message/outcome.ts';
export {
  decodeRecord,
  encodeRecord,
  finalRecordPrefix,
  isFinal,
  malformedField,
  plainRecord,
} from './message/outcome.ts';
export { newTaskId, timeOfTaskId } from './message/task-id.ts';
export { formatDuration, parseDuration } from './options/duration.ts';
export { limits } from './options/limits.ts';
export { closestName } from './options/option-reader.ts';
export type { MaybePromise } from './options/schema.ts';
export { visible } from './options/visible.ts';
export { memberId } from './results/list-values.ts';
export { broadcastInbox } from './results/result-inbox.ts';
export type { RetryRule } from './retry.ts';
export { pauseAfter, retry } from './retry.ts';
export { compilePattern } from './task/route.ts';
export type { TransactionOf } from './task/transaction.ts';
