import type { LogFields, Logger } from '../logger.ts';
import type { JsonValue } from '../message/json.ts';
import type { Reader } from '../options/option-reader.ts';
import type { MaybePromise } from '../options/schema.ts';
import type { CallOptions } from '../producer/call-options.ts';
import type { PluginTaskOptions } from '../task/task-options.ts';

/**
 * Extends an app: `new Lovage(name, { plugins: [...] })`. Every process that loads the app has it: producers, workers, beats,
 * and the threads and processes of a worker's pools.
 */
export interface Plugin {
  /** Stands in log lines and errors; unique within an app. */
  readonly name: string;
  /**
   * Called for each call of a task before its message is built, also for the members of a canvas and the calls of a beat. It
   * may set headers, stamps and options; what it throws refuses the call. It must be synchronous. A retry sends no new call.
   */
  publish?(call: OutgoingCall): void;
  /**
   * Wraps the handler, where the handler runs. It returns what `next()` yields, another value, or ends the attempt with
   * `run.skip()`, `run.retry()` or `run.fail()`. Anything else that it throws fails the attempt with {@link PluginError}. The
   * first plugin of the list is the outermost. Not called for batch tasks, whose handler runs for many calls at once.
   */
  run?(run: TaskRun, next: () => Promise<unknown>): Promise<unknown>;
  /**
   * Stands around the handler of a batch task. It cannot change how the items end: what it throws is logged, and a batch whose
   * `next` it did not call runs all the same. `next()` resolves when the handler has ended, and never rejects.
   */
  batch?(runs: readonly TaskInfo[], next: () => Promise<void>): Promise<void>;
  /**
   * Fields that a log line of the app carries beside its own; of a line about a task, `taskId` is its id. Called for each line
   * that is written; what it throws is ignored.
   */
  logFields?(line: { readonly taskId?: string }): LogFields | undefined;
  /** Observers. They cannot change an outcome: what they throw is logged. */
  readonly on?: PluginHooks;
  /**
   * Options of its own for tasks, each with the function that checks and converts its value and throws for a bad one. Declare
   * their types by merging into {@link PluginTaskOptions}. They are read as `run.options`.
   */
  readonly taskOptions?: Readonly<Record<string, Reader<unknown>>>;
}

/** A call that is about to be sent. */
export interface OutgoingCall {
  /** The task's name. */
  readonly task: string;
  /** As the caller gave them. */
  readonly args: readonly unknown[];
  /** The headers of the message; may be written to. */
  readonly headers: Record<string, JsonValue>;
  /** The stamps of the message; may be written to. */
  readonly stamps: Record<string, JsonValue>;
  /** The options of this call so far, headers and stamps left out. */
  readonly options: CallOptions;
  /** Sets options of the call; they are checked as the caller's own. */
  set(options: Omit<CallOptions, 'headers' | 'stamps'>): void;
}

/** What is known of a task that runs, or has run. */
export interface TaskInfo {
  readonly id: string;
  /** The task's name. */
  readonly task: string;
  readonly queue: string;
  /** 1 for the first run. */
  readonly attempt: number;
  readonly headers: Readonly<Record<string, JsonValue>>;
  readonly stamps: Readonly<Record<string, JsonValue>>;
  /** The task's plugin options. */
  readonly options: PluginTaskOptions;
  /** The worker's name. */
  readonly worker: string;
}

/** The run of a handler, as a plugin's `run` sees it. */
export interface TaskRun extends TaskInfo {
  /** The arguments as they came over the wire. */
  readonly args: readonly JsonValue[];
  /** When it was to start; undefined where it was to start at once. */
  readonly eta: Date | undefined;
  /** The id of the first task of its canvas; its own outside of one. */
  readonly rootId: string;
  /** Aborts on the soft time limit, a lost lease, a revocation, a shutdown past its drain. */
  readonly signal: AbortSignal;
  /** Its lines carry the task's name and id. */
  readonly log: Logger;
  /** Ends the attempt as `throw new Ignore()` does: acknowledged, its state untouched. */
  skip(): never;
  /** Ends the attempt and asks for another, as `self.retry()` does. */
  retry(options?: { readonly countdown?: number | string; readonly exc?: unknown }): never;
  /** Ends the attempt as if the handler had thrown `error`; `autoretryFor` applies. */
  fail(error: unknown): never;
}

/** A message that the broker has accepted. */
export interface PublishedTask {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  readonly headers: Readonly<Record<string, JsonValue>>;
}

/**
 * The events that a plugin can observe: Celery's signals under their names in camelCase. Where they may return a promise, it is
 * awaited only where that is said; a rejection is logged.
 */
export interface PluginHooks {
  /** The message of a call is about to be built; after every plugin's `publish`. */
  beforeTaskPublish?(call: Omit<OutgoingCall, 'set'>): MaybePromise<void>;
  /** The broker has accepted the message. */
  afterTaskPublish?(task: PublishedTask): MaybePromise<void>;
  /** The broker has not accepted the message, or its answer was lost. */
  taskPublishFailed?(task: PublishedTask & { readonly error: unknown }): MaybePromise<void>;
  /** A handler begins; called where it runs. */
  taskPrerun?(run: TaskRun): MaybePromise<void>;
  /** A handler has ended; called where it ran. */
  taskPostrun?(run: TaskRun & ({ readonly value: unknown } | { readonly error: unknown })): MaybePromise<void>;
  taskSuccess?(task: TaskInfo & { readonly value: JsonValue | undefined }): MaybePromise<void>;
  /** A task ended as FAILURE. `error` is what was thrown; from a thread or process, an Error made of its report. */
  taskFailure?(task: TaskInfo & { readonly error: unknown }): MaybePromise<void>;
  /** A retry was asked for, at `at` (epoch ms). */
  taskRetry?(task: TaskInfo & { readonly error: unknown; readonly at: number }): MaybePromise<void>;
  taskRevoked?(task: TaskInfo & { readonly reason: string }): MaybePromise<void>;
  /** The handler threw `Reject`. */
  taskRejected?(task: TaskInfo & { readonly requeued: boolean }): MaybePromise<void>;
  /** A worker received a task that its app does not define. */
  taskUnknown?(task: PublishedTask): MaybePromise<void>;
  /** A worker is being started; awaited before it consumes. */
  workerInit?(worker: WorkerInfo): MaybePromise<void>;
  /** A worker consumes. */
  workerReady?(worker: WorkerInfo): MaybePromise<void>;
  /** A worker stops fetching and drains. */
  workerShuttingDown?(worker: WorkerInfo): MaybePromise<void>;
  /** A worker has handed back what it had; awaited for 700 ms at most. */
  workerShutdown?(worker: WorkerInfo): MaybePromise<void>;
  /** A beat is being started; awaited before it fires. */
  beatInit?(beat: { readonly app: string }): MaybePromise<void>;
}

/** A worker, as a plugin sees it. */
export interface WorkerInfo {
  readonly app: string;
  readonly worker: string;
  readonly queues: readonly string[];
}
