/**
 * The whole error catalogue. Every error that Lovage throws at a caller is a {@link LovageError} with a stable `code`
 * and a `name` equal to its class name; control signals, which a handler throws to steer its own task, stand apart at
 * the end.
 */

/** Stable machine-readable codes: match on these, not on messages. */
export type ErrorCode =
  | 'TASK_FAILED'
  | 'TASK_REVOKED'
  | 'TASK_VALIDATION'
  | 'TASK_UNKNOWN'
  | 'TOPIC_VALIDATION'
  | 'TASK_DUPLICATE'
  | 'TASK_UNBOUND'
  | 'TASK_NOT_UNIQUE'
  | 'RESULT_TIMEOUT'
  | 'RESULT_EXPIRED'
  | 'RESULT_NO_BACKEND'
  | 'RESULT_BACKEND_UNAVAILABLE'
  | 'BROKER_UNAVAILABLE'
  | 'BROKER_MEMORY'
  | 'BROKER_DATA_LOSS'
  | 'BROKER_COMMAND'
  | 'BROKER_AUTHENTICATION'
  | 'BROKER_TLS'
  | 'BROKER_UNSAFE'
  | 'QUEUE_FOREIGN'
  | 'BROKER_UNKNOWN_SCHEME'
  | 'BROKER_URL'
  | 'PAYLOAD_TOO_LARGE'
  | 'PAYLOAD_NOT_SERIALIZABLE'
  | 'MESSAGE_MALFORMED'
  | 'SIGNATURE'
  | 'DECRYPTION'
  | 'WORKER_LOST'
  | 'WORKER_NONE'
  | 'RETRIES_EXHAUSTED'
  | 'SHUTDOWN'
  | 'LEASE_LOST'
  | 'CONSUMER_WEDGED'
  | 'SOFT_TIME_LIMIT'
  | 'TIME_LIMIT'
  | 'DEADLINE_EXCEEDED'
  | 'CONFIGURATION'
  | 'PLUGIN'
  | 'NO_CURRENT_TASK'
  | 'NOT_SUPPORTED'
  | 'LOCK_TIMEOUT'
  | 'LOCK_LOST'
  | 'LOCK_RELEASED'
  | 'SCHEDULE_UNKNOWN'
  | 'FAILURE_UNKNOWN'
  | 'GATE_UNKNOWN'
  | 'GATE_DECIDED'
  | 'GATE_REJECTED'
  | 'GATE_TIMEOUT'
  | 'WORKFLOW_DIVERGED'
  | 'WORKFLOW_CANCELLED'
  | 'WORKFLOW_TIMEOUT'
  | 'WORKFLOW_STEP_TIMEOUT'
  | 'WORKFLOW_EVENT_TIMEOUT'
  | 'WORKFLOW_COMPENSATION'
  | 'WORKFLOW_MISUSE'
  | 'WORKFLOW_LIMIT'
  | 'WORKFLOW_RUN_UNKNOWN'
  | 'WORKFLOW_RUN_STATE'
  | 'CLOSED';

/** Options that every {@link LovageError} takes. */
export interface LovageErrorOptions {
  /** What led to this error. */
  readonly cause?: unknown;
  /** The task this is about, when there is one. */
  readonly taskId?: string;
}

/** The base of everything Lovage throws at a caller. */
export class LovageError extends Error {
  readonly code: ErrorCode;
  readonly taskId?: string;
  /** Of `delayMany`: the ids of the calls that the broker has accepted all the same. */
  readonly accepted?: readonly string[];

  constructor(code: ErrorCode, message: string, options: LovageErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    if (options.taskId !== undefined) this.taskId = options.taskId;
  }
}

/** An option, name or value that cannot be right, found when it is given. */
export class ConfigurationError extends LovageError {
  constructor(message: string, options?: LovageErrorOptions) {
    super('CONFIGURATION', message, options);
  }
}

/** A plugin's `run` threw: the attempt fails, and `cause` is what was thrown. `autoretryFor` does not apply. */
export class PluginError extends LovageError {
  readonly plugin: string;
  constructor(plugin: string, task: string, options: LovageErrorOptions) {
    const { cause } = options;
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    super('PLUGIN', `plugin "${plugin}" failed in task "${task}": ${why}`, options);
    this.plugin = plugin;
  }
}

/** A second task under a name that the app already has. */
export class DuplicateTaskError extends LovageError {
  constructor(name: string) {
    super('TASK_DUPLICATE', `task "${name}" is already defined in this app: give one of the two another name`);
  }
}

/** A decorated method was called as a task in a process that never bound it to an instance. */
export class UnboundTaskError extends LovageError {
  constructor(name: string) {
    super('TASK_UNBOUND', `task "${name}" is a decorated method without an instance: call app.tasksOf(instance) first`);
  }
}

/** A call of a task with `unique` and `onConflict: 'reject'` while another task holds its key. Nothing was sent. */
export class TaskNotUniqueError extends LovageError {
  /** The id of the task that holds the key. */
  declare readonly taskId: string;
  readonly task: string;
  constructor(task: string, holder: string) {
    super('TASK_NOT_UNIQUE', `task "${task}" is unique, and task ${holder} holds the key of this call`, {
      taskId: holder,
    });
    this.task = task;
  }
}

/** One thing that does not fit a schema; `path` is where, as in `[0].amount`. */
export interface ValidationIssue {
  readonly path: string;
  readonly message: string;
}

/** Arguments, or a return value, that do not fit the task's schema. `issues` holds the schema's own words and paths. */
export class TaskValidationError extends LovageError {
  readonly task: string;
  readonly issues: readonly ValidationIssue[];

  constructor(task: string, what: 'arguments' | 'return value', issues: readonly ValidationIssue[], taskId?: string) {
    const list = issues.map((issue) => `${issue.path || '(root)'}: ${issue.message}`).join('; ');
    super('TASK_VALIDATION', `${what} of task "${task}" do not fit its schema: ${list}`, taskId ? { taskId } : {});
    this.task = task;
    this.issues = issues;
  }
}

/** What was published does not fit the topic's schema; nothing was sent. `issues` holds the schema's own words and paths. */
export class TopicValidationError extends LovageError {
  readonly topic: string;
  readonly issues: readonly ValidationIssue[];

  constructor(topic: string, issues: readonly ValidationIssue[]) {
    const list = issues.map((issue) => `${issue.path || '(root)'}: ${issue.message}`).join('; ');
    super('TOPIC_VALIDATION', `payload of topic "${topic}" does not fit its schema: ${list}`);
    this.topic = topic;
    this.issues = issues;
  }
}

/** No task of that name in this app, or on this worker. */
export class UnknownTaskError extends LovageError {
  readonly task: string;
  constructor(task: string, hint: string, taskId?: string) {
    super('TASK_UNKNOWN', `unknown task "${task}": ${hint}`, taskId ? { taskId } : {});
    this.task = task;
  }
}

/** A payload over its size limit; nothing was sent or stored. */
export class PayloadTooLargeError extends LovageError {
  /** Size in bytes of the JSON text; Infinity where it was not measured to the end. */
  readonly bytes: number;
  /** The limit in bytes. */
  readonly limit: number;
  constructor(what: string, bytes: number, limit: number, option: string) {
    super(
      'PAYLOAD_TOO_LARGE',
      `${what} take ${Number.isFinite(bytes) ? bytes : `more than ${limit}`} bytes as JSON, over the limit of ${limit} (option ${option}): ` +
        'store the data elsewhere and pass a reference',
    );
    this.bytes = bytes;
    this.limit = limit;
  }
}

/** A value that JSON would change or drop. `path` says where it stands, as in `args[0].when`. */
export class PayloadNotSerializableError extends LovageError {
  readonly path: string;
  constructor(path: string, found: string) {
    super(
      'PAYLOAD_NOT_SERIALIZABLE',
      `${path} is ${found}, which JSON cannot carry unchanged: convert it, or give the task a schema with a codec (z.codec)`,
    );
    this.path = path;
  }
}

/** A message that cannot be read: not JSON, wrong shape, too deep, wrong version. */
export class MalformedMessageError extends LovageError {
  constructor(message: string, options?: LovageErrorOptions) {
    super('MESSAGE_MALFORMED', message, options);
  }
}

/** The broker did not accept a publish within `publishTimeout`. The message may have been accepted with its reply lost:
 * publishing again under the same `taskId` is safe. */
export class BrokerUnavailableError extends LovageError {
  constructor(message: string, options?: LovageErrorOptions) {
    super('BROKER_UNAVAILABLE', message, options);
  }
}

/** The broker refused the credentials. */
export class BrokerAuthenticationError extends LovageError {
  constructor(message: string, options?: LovageErrorOptions) {
    super('BROKER_AUTHENTICATION', message, options);
  }
}

/** No trusted connection to the broker could be made: its certificate, ours, or TLS itself. Nothing was sent. */
export class BrokerTlsError extends LovageError {
  constructor(message: string, options?: LovageErrorOptions) {
    super('BROKER_TLS', message, options);
  }
}

/** A signature is missing, is not right, is of a key that may not, or is too old: what it was to prove was not done. */
export class SignatureError extends LovageError {
  constructor(message: string, options?: LovageErrorOptions) {
    super('SIGNATURE', message, options);
  }
}

/** What was encrypted cannot be read here: its key is not there, or it was altered. */
export class DecryptionError extends LovageError {
  constructor(message: string, options?: LovageErrorOptions) {
    super('DECRYPTION', message, options);
  }
}

/** The broker is full (Redis `maxmemory` with `noeviction`). Nothing was accepted. */
export class BrokerMemoryError extends LovageError {
  constructor(message: string, options?: LovageErrorOptions) {
    super('BROKER_MEMORY', message, options);
  }
}

/**
 * The broker refused a command that it should have carried out, most often since a key of ours holds what another program wrote
 * (`WRONGTYPE`). The message names the command and its key; `cause` is the client's error.
 */
export class BrokerCommandError extends LovageError {
  constructor(message: string, options?: LovageErrorOptions) {
    super('BROKER_COMMAND', message, options);
  }
}

/** The broker came back without the data it had: it was restarted without persistence, emptied, or replaced. Logged by workers. */
export class BrokerDataLossError extends LovageError {
  constructor(message: string) {
    super('BROKER_DATA_LOSS', message);
  }
}

/** The broker runs with settings under which acknowledged tasks can be lost, and strictness was asked for. */
export class UnsafeBrokerError extends LovageError {
  constructor(message: string) {
    super('BROKER_UNSAFE', message);
  }
}

/** A queue that another program created, such as a BullMQ app on the same Redis: each would take the other's jobs. */
export class ForeignQueueError extends LovageError {
  readonly queue: string;
  /** The other program, as far as it can be told. */
  readonly owner: string;
  constructor(queue: string, owner: string) {
    super(
      'QUEUE_FOREIGN',
      `queue "${queue}" was created by ${owner}, not by Lovage: give the queue another name or the app a \`prefix\`; to take it over, end the other program, move its jobs with "lovage import bullmq ${queue}", then "lovage queues adopt ${queue}"`,
    );
    this.queue = queue;
    this.owner = owner;
  }
}

/** A broker or backend URL whose scheme no driver answers for. */
export class UnknownSchemeError extends LovageError {
  constructor(message: string) {
    super('BROKER_UNKNOWN_SCHEME', message);
  }
}

/** A broker or backend URL that cannot be read. */
export class BrokerUrlError extends LovageError {
  constructor(message: string, options?: LovageErrorOptions) {
    super('BROKER_URL', message, options);
  }
}

/** The result store could not be asked. */
export class ResultBackendUnavailableError extends LovageError {
  constructor(message: string, options?: LovageErrorOptions) {
    super('RESULT_BACKEND_UNAVAILABLE', message, options);
  }
}

/** A result was asked of an app, task or call that stores none. */
export class NoResultBackendError extends LovageError {
  constructor(taskId: string) {
    super('RESULT_NO_BACKEND', `no result for task ${taskId}: the app has no result backend (backend: 'none')`, {
      taskId,
    });
  }
}

/** `get({ timeout })` or `call` ran out. The task goes on, except that a call's timeout is its task's deadline too. */
export class ResultTimeoutError extends LovageError {
  /** How long was waited, in milliseconds. */
  readonly timeout: number;
  constructor(taskId: string, timeout: number, detail = '') {
    super('RESULT_TIMEOUT', `task ${taskId} did not end within ${timeout} ms${detail}`, { taskId });
    this.timeout = timeout;
  }

  /** The same error with what its task waits for. */
  because(why: string): this {
    this.message = `${this.message}: ${why}`;
    return this;
  }
}

/** The task is neither in the broker nor in the result store any more: its result expired, was forgotten, or the store lost it. */
export class ResultExpiredError extends LovageError {
  constructor(taskId: string) {
    super(
      'RESULT_EXPIRED',
      `no result for task ${taskId}: it is neither waiting nor stored any more (expired after resultExpires, forgotten, or lost by the store)`,
      { taskId },
    );
  }
}

/** What a failed task leaves, as its caller sees it. */
export interface TaskFailedDetails {
  readonly taskId: string;
  readonly task: string;
  /** The error's class name in the worker. */
  readonly remoteName: string;
  /** The stack as text, from the worker. */
  readonly remoteStack?: string;
  /** How many times the handler was run. */
  readonly attempts: number;
  /** The error's own JSON-safe fields. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** Thrown by `get()` when the task ended FAILURE. Classes given to `app.registerError` come back as themselves instead. */
export class TaskFailedError extends LovageError {
  declare readonly taskId: string;
  readonly task: string;
  readonly remoteName: string;
  readonly remoteStack?: string;
  readonly attempts: number;
  readonly data?: Readonly<Record<string, unknown>>;

  constructor(message: string, details: TaskFailedDetails) {
    super('TASK_FAILED', message, { taskId: details.taskId, cause: details.cause });
    this.task = details.task;
    this.remoteName = details.remoteName;
    this.attempts = details.attempts;
    if (details.remoteStack !== undefined) this.remoteStack = details.remoteStack;
    if (details.data !== undefined) this.data = details.data;
  }
}

/** Thrown by `get()` when the task ended REVOKED; `reason` says why (`expired`, `revoked`, `terminated`). */
export class TaskRevokedError extends LovageError {
  declare readonly taskId: string;
  readonly reason: string;
  constructor(taskId: string, reason: string, cause?: unknown) {
    super('TASK_REVOKED', `task ${taskId} was revoked (${reason})`, { taskId, cause });
    this.reason = reason;
  }
}

/** The worker that ran the task died, more often than `crashBudget` allows. */
export class WorkerLostError extends LovageError {
  constructor(message: string, taskId?: string) {
    super('WORKER_LOST', message, taskId ? { taskId } : {});
  }
}

/** A question about the workers of a queue that none of them answered. */
export class NoWorkerError extends LovageError {
  readonly queue: string;
  constructor(queue: string, hint: string) {
    super('WORKER_NONE', `no worker of queue "${queue}" ${hint}`);
    this.queue = queue;
  }
}

/** The task asked for another retry, without an error of its own, after its last one. */
export class MaxRetriesExceededError extends LovageError {
  constructor(task: string, maxRetries: number, taskId?: string) {
    super(
      'RETRIES_EXHAUSTED',
      `task "${task}" asked for another retry after its ${maxRetries} were spent`,
      taskId ? { taskId } : {},
    );
  }
}

/** The worker is ending and its drain time is over; the task goes back to its queue unspent. Reason of `self.signal`. */
export class WorkerShutdownError extends LovageError {
  constructor(taskId: string) {
    super('SHUTDOWN', `the worker is shutting down: task ${taskId} goes back to its queue`, { taskId });
  }
}

/** The lease on a delivery was lost while its handler ran; another worker may run the task. Reason of `self.signal`. */
export class LeaseLostError extends LovageError {
  constructor(taskId: string) {
    super('LEASE_LOST', `lost the lease on task ${taskId}: another worker may run it now`, { taskId });
  }
}

/** A worker's consumer does not poll a queue any more although its broker answers: the process had better be replaced. */
export class ConsumerWedgedError extends LovageError {
  readonly queue: string;
  constructor(queue: string, since: number) {
    super(
      'CONSUMER_WEDGED',
      `queue "${queue}" was not polled for ${since} ms, also on new connections, though the broker answers`,
    );
    this.queue = queue;
  }
}

/** The soft time limit passed. Reason of `self.signal`; a handler may catch it and tidy up. */
export class SoftTimeLimitExceeded extends LovageError {
  constructor(limit: number, taskId?: string) {
    super('SOFT_TIME_LIMIT', `soft time limit of ${limit} ms passed`, taskId ? { taskId } : {});
  }
}

/** The hard time limit passed; the attempt was ended. */
export class TimeLimitExceeded extends LovageError {
  constructor(limit: number, taskId?: string) {
    super('TIME_LIMIT', `time limit of ${limit} ms passed`, taskId ? { taskId } : {});
  }
}

/** The deadline of a call passed while its task ran: whoever called has stopped waiting. Reason of `self.signal`. */
export class DeadlineExceeded extends LovageError {
  constructor(taskId: string) {
    super('DEADLINE_EXCEEDED', `the deadline of task ${taskId} passed: its caller has stopped waiting`, { taskId });
  }
}

/** `currentTask()` was called outside a running task. */
export class NoCurrentTaskError extends LovageError {
  constructor() {
    super('NO_CURRENT_TASK', 'currentTask() was called outside a running task');
  }
}

/** The driver at hand does not do this. */
export class NotSupportedError extends LovageError {
  constructor(message: string, options?: LovageErrorOptions) {
    super('NOT_SUPPORTED', message, options);
  }
}

/** `app.lock()` waited as long as its `wait` says, and others still held the lock. */
export class LockTimeoutError extends LovageError {
  /** The lock that was not free. */
  readonly lock: string;
  constructor(lock: string, wait: number) {
    super('LOCK_TIMEOUT', `lock "${lock}" was not free within ${wait} ms (option wait)`);
    this.lock = lock;
  }
}

/** A lock or a leadership ended before its holder let it go: another may hold it now. Reason of its signal. */
export class LockLostError extends LovageError {
  readonly lock: string;
  constructor(lock: string, why: string, options?: LovageErrorOptions) {
    super('LOCK_LOST', `lost "${lock}": ${why}; another may hold it now`, options);
    this.lock = lock;
  }
}

/** A lock was used after its holder had released it. */
export class LockReleasedError extends LovageError {
  readonly lock: string;
  constructor(lock: string, what: string) {
    super('LOCK_RELEASED', `cannot ${what} lock "${lock}": it was released before`);
    this.lock = lock;
  }
}

/** No periodic entry of that name. */
export class UnknownScheduleError extends LovageError {
  readonly schedule: string;
  constructor(schedule: string, hint: string) {
    super('SCHEDULE_UNKNOWN', `unknown schedule "${schedule}": ${hint}`);
    this.schedule = schedule;
  }
}

/** No failure of that id that could be run again. */
export class UnknownFailureError extends LovageError {
  constructor(id: string, why = 'it has not failed, was retried or discarded, or is not kept any more') {
    super('FAILURE_UNKNOWN', `no failure of task "${id}": ${why}`, { taskId: id });
  }
}

/** No gate of that id. */
export class UnknownGateError extends LovageError {
  constructor(id: string, why: string) {
    super('GATE_UNKNOWN', `no gate "${id}": ${why}`, { taskId: id });
  }
}

/** The gate was resolved, rejected or revoked before, or its time was over: a gate is decided once. */
export class GateDecidedError extends LovageError {
  constructor(id: string, how: string) {
    super('GATE_DECIDED', `gate "${id}" was decided before: ${how}`, { taskId: id });
  }
}

/** The failure of a gate that was rejected. */
export class GateRejectedError extends LovageError {
  constructor(id: string, reason: string) {
    super('GATE_REJECTED', `the gate was rejected: ${reason}`, { taskId: id });
  }
}

/** The failure of a gate that nobody resolved in time. */
export class GateTimeoutError extends LovageError {
  constructor(name: string, timeout: number, id: string) {
    super('GATE_TIMEOUT', `no decision for the gate "${name}" within ${timeout} ms`, { taskId: id });
  }
}

/** The code of a workflow asks for something else than what the log of the run holds. The run is set aside until the code fits. */
export class WorkflowDivergedError extends LovageError {
  /** The key at which code and log part. */
  readonly key: string;
  /** What the log holds there. */
  readonly expected: string;
  /** What the code asked for. */
  readonly asked: string;
  /** The version of the code. */
  readonly version: string | undefined;

  constructor(
    runId: string,
    at: {
      readonly key: string;
      readonly expected: string;
      readonly asked: string;
      readonly version: string | undefined;
    },
  ) {
    super(
      'WORKFLOW_DIVERGED',
      `run ${runId} diverged at "${at.key}": its log holds ${at.expected}, the code${at.version ? ` (version ${at.version})` : ''} ${at.asked}. ` +
        'The run is set aside: deploy code that fits its log (w.patch guards a change), and it goes on',
      { taskId: runId },
    );
    this.key = at.key;
    this.expected = at.expected;
    this.asked = at.asked;
    this.version = at.version;
  }
}

/** Thrown by what a workflow waits for when its run was cancelled. */
export class WorkflowCancelledError extends LovageError {
  readonly reason: string;
  constructor(runId: string, reason: string) {
    super('WORKFLOW_CANCELLED', `run ${runId} was cancelled: ${reason}`, { taskId: runId });
    this.reason = reason;
  }
}

/** A run took longer than its workflow's `timeout`. */
export class WorkflowTimeoutError extends LovageError {
  constructor(runId: string, timeout: number) {
    super('WORKFLOW_TIMEOUT', `run ${runId} took longer than its timeout of ${timeout} ms`, { taskId: runId });
  }
}

/** An attempt of a step took longer than the step's `timeout`. */
export class StepTimeoutError extends LovageError {
  constructor(runId: string, key: string, timeout: number) {
    super('WORKFLOW_STEP_TIMEOUT', `step "${key}" of run ${runId} took longer than ${timeout} ms`, { taskId: runId });
  }
}

/** No event came in time, and `w.event` was given no default. */
export class EventTimeoutError extends LovageError {
  constructor(runId: string, key: string, timeout: number) {
    super('WORKFLOW_EVENT_TIMEOUT', `no event "${key}" for run ${runId} within ${timeout} ms`, { taskId: runId });
  }
}

/** A run failed, and so did compensations of it. `cause` is why the run failed. */
export class CompensationFailedError extends LovageError {
  /** The keys of the compensations that failed. */
  readonly keys: readonly string[];
  constructor(runId: string, keys: readonly string[], cause: unknown) {
    super(
      'WORKFLOW_COMPENSATION',
      `run ${runId} failed, and its compensation ${keys.map((key) => `"${key}"`).join(', ')} failed too: run.retry() runs it again`,
      { taskId: runId, cause },
    );
    this.keys = keys;
  }
}

/** `w` was used as it cannot be: the message says which run, which key, and what to do. */
export class WorkflowMisuseError extends LovageError {
  constructor(runId: string, problem: string) {
    super('WORKFLOW_MISUSE', `run ${runId}: ${problem}`, { taskId: runId });
  }
}

/** The log of a run is full. */
export class WorkflowLimitError extends LovageError {
  constructor(runId: string, problem: string) {
    super('WORKFLOW_LIMIT', `run ${runId}: ${problem}: end this log with w.continueAs(input)`, { taskId: runId });
  }
}

/** There is no run of that id. */
export class UnknownRunError extends LovageError {
  constructor(runId: string) {
    super('WORKFLOW_RUN_UNKNOWN', `no workflow run "${runId}": its id is not known, or it ended and was forgotten`, {
      taskId: runId,
    });
  }
}

/** The run is in a state in which that cannot be done; nothing was changed. */
export class RunStateError extends LovageError {
  constructor(runId: string, problem: string) {
    super('WORKFLOW_RUN_STATE', `run ${runId}: ${problem}`, { taskId: runId });
  }
}

/** The app, worker or connection is closed. */
export class ClosedError extends LovageError {
  constructor(what: string, detail?: string) {
    super('CLOSED', `${what} is closed${detail ? `: ${detail}` : ''}`);
  }
}

/** Some messages of one `Broker.publish` were refused; the others were accepted. `failures` is keyed by message id. */
export class PublishError extends AggregateError {
  readonly failures: ReadonlyMap<string, Error>;
  constructor(failures: ReadonlyMap<string, Error>) {
    super(
      [...failures.values()],
      `${failures.size} message(s) were not accepted: ${[...failures.values()][0]?.message}`,
    );
    this.name = 'PublishError';
    this.failures = failures;
  }
}
