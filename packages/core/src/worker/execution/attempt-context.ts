import { assertSignature } from '../../canvas/signature.ts';
import type { Clock } from '../../clock.ts';
import type { Delivery } from '../../driver/broker.ts';
import { DeadlineExceeded, LeaseLostError, NoResultBackendError, WorkerShutdownError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { Replace, Retry, type RetryRequest } from '../../message/control-signal.ts';
import type { Failure } from '../../message/failure.ts';
import type { JsonValue } from '../../message/json.ts';
import { attemptNumber, type Message } from '../../message/message.ts';
import { assertOwnState } from '../../message/outcome.ts';
import { assertJson, type SizeLimit } from '../../message/payload-codec.ts';
import { parseDuration, parseInstant } from '../../options/duration.ts';
import { createOnce } from '../../stores/effects.ts';
import type { TaskDefinition } from '../../task/task.ts';
import type { AnyCanvas, RetryOptions, TaskContext } from '../../task/task-context.ts';
import type { Once } from '../../task/transaction.ts';
import type { TaskLimits } from '../middleware/task-limits.ts';
import type { AttemptResult } from './attempt-result.ts';
import type { StateRecorder } from './state-writer.ts';

/** What handlers may do to the canvas they run in. */
export interface CanvasTools {
  /** Publishes one more member of the chord that the message is a member of; `nth` from 1. */
  addToChord(message: Message, canvas: AnyCanvas, nth: number): Promise<void>;
}

/** What every attempt on a worker shares. */
export interface AttemptTools {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly worker: string;
  readonly states: StateRecorder;
  readonly maxResult: SizeLimit;
  /** undefined: the app stores no results. */
  readonly canvas?: CanvasTools | undefined;
  readonly limits: TaskLimits;
  /** The app's. */
  readonly prefix: string | undefined;
  /** Told of what handlers report. */
  readonly onProgress: (message: Message, progress: JsonValue) => void;
}

/** The value as it is now: the handler may change it, and a getter may give another one, before the last record is written. */
function snapshot(value: unknown): JsonValue {
  return typeof value === 'object' ? JSON.parse(JSON.stringify(value)) : (value as JsonValue); // checked by assertJson
}

const nothing: Readonly<Record<string, JsonValue>> = Object.freeze({});

/**
 * `self`. Made for every attempt, so it holds references and computes on demand: the abort controller (2.9 µs on
 * Node 20) and the logger exist only once a handler asks for them.
 */
export class AttemptContext implements TaskContext {
  readonly deliveryCount: number;
  /** What the handler threw, and the failure made of it, for observers; undefined where it ran in a child. */
  lastError: { readonly failure: Failure; readonly error: unknown } | undefined;
  /** Set when the attempt is let in. */
  fence: number | undefined;
  /** Where the thread beside the event loop sees its hard limit; undefined: it has none, or runs in a child. */
  limitSlot: number | undefined;
  readonly #message: Message;
  readonly #definition: TaskDefinition;
  readonly #delivery: Delivery;
  readonly #tools: AttemptTools;
  #controller: AbortController | undefined;
  #abortReason: Error | undefined;
  #log: Logger | undefined;
  #interruptedBy: AttemptResult | undefined;
  #onAbort: ((reason: Error) => void) | undefined;
  #onInterrupt: ((result: AttemptResult) => void) | undefined;
  /** What `progress()` and `updateState()` last said: kept together, since one record holds both. */
  #state = 'STARTED';
  #meta: JsonValue | undefined;
  #progress: JsonValue | undefined;
  #step = 0;
  #added = 0;
  #deadline: number | undefined;

  constructor(definition: TaskDefinition, delivery: Delivery, tools: AttemptTools) {
    this.#message = delivery.message;
    this.#definition = definition;
    this.#delivery = delivery;
    this.#tools = tools;
    this.deliveryCount = delivery.deliveryCount;
  }

  get calledDirectly(): boolean {
    return false;
  }
  get id(): string {
    return this.#message.id;
  }
  get name(): string {
    return this.#message.task;
  }
  get args(): readonly JsonValue[] {
    return this.#message.args;
  }
  get queue(): string {
    return this.#message.queue;
  }
  get priority(): number {
    return this.#message.priority;
  }
  get attempt(): number {
    return attemptNumber(this.#message, this.deliveryCount);
  }
  get retries(): number {
    return this.#message.retries;
  }
  get maxRetries(): number | null {
    const { maxRetries } = this.#message;
    return maxRetries === undefined ? this.#definition.options.maxRetries : maxRetries;
  }
  get rootId(): string {
    return this.#message.rootId ?? this.#message.id;
  }
  get parentId(): string | undefined {
    return this.#message.parentId;
  }
  get groupId(): string | undefined {
    return this.#message.groupId;
  }
  get groupIndex(): number | undefined {
    return this.#message.groupIndex;
  }
  get eta(): Date | undefined {
    return this.#message.eta === undefined ? undefined : new Date(this.#message.eta);
  }
  get expires(): Date | undefined {
    return this.#message.expires === undefined ? undefined : new Date(this.#message.expires);
  }
  get deadline(): Date | undefined {
    return this.#deadline === undefined ? undefined : new Date(this.#deadline);
  }
  get timeLimit(): number | undefined {
    return (
      this.#message.timeLimit ?? this.#tools.limits.changed.get(this.name)?.hard ?? this.#definition.options.timeLimit
    );
  }
  get softTimeLimit(): number | undefined {
    return (
      this.#message.softTimeLimit ??
      this.#tools.limits.changed.get(this.name)?.soft ??
      this.#definition.options.softTimeLimit
    );
  }
  get headers(): Readonly<Record<string, JsonValue>> {
    return this.#message.headers ?? nothing;
  }
  get stamps(): Readonly<Record<string, JsonValue>> {
    return this.#message.stamps ?? nothing;
  }
  get worker(): string {
    return this.#tools.worker;
  }

  get log(): Logger {
    this.#log ??= this.#tools.logger.child({ task: this.name, taskId: this.id, attempt: this.attempt });
    return this.#log;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortReason) this.#controller.abort(this.#abortReason);
      else this.#delivery.onLeaseLost(() => this.abort(new LeaseLostError(this.id)));
    }
    return this.#controller.signal;
  }

  remaining(): number | undefined {
    if (this.#abortReason instanceof DeadlineExceeded) return 0; // a timer may be a millisecond early
    return this.#deadline === undefined ? undefined : Math.max(0, this.#deadline - this.#tools.clock.now());
  }

  /** Says when the caller stops waiting, epoch ms by this machine's clock. */
  setDeadline(at: number): void {
    this.#deadline = at;
  }

  /** Aborts the signal; the first reason stays. */
  abort(reason: Error): void {
    this.#abortReason ??= reason;
    this.#controller?.abort(this.#abortReason);
    this.#onAbort?.(this.#abortReason);
  }

  /** Calls `listener` when the attempt is aborted; one listener, the pool's. */
  onAbort(listener: (reason: Error) => void): void {
    this.#onAbort = listener;
    if (this.#abortReason) listener(this.#abortReason);
  }

  /** Progress that was said elsewhere (in a pool's child) and is stored already. */
  noteProgress(value: JsonValue): void {
    this.#progress = value;
    this.#tools.onProgress(this.#message, value);
  }

  /** Aborts the signal and ends the attempt with this result, whatever its handler still does. */
  interrupt(reason: Error, result: AttemptResult): void {
    this.#interruptedBy ??= result;
    this.abort(reason);
    this.#onInterrupt?.(this.#interruptedBy);
  }

  /** Calls `listener` when the attempt is broken off; one listener, the pool's. */
  onInterrupt(listener: (result: AttemptResult) => void): void {
    this.#onInterrupt = listener;
    if (this.#interruptedBy) listener(this.#interruptedBy);
  }

  /** Whether the attempt was broken off from outside, so that what it throws now is no failure of the task's. */
  get interrupted(): boolean {
    return this.#abortReason instanceof WorkerShutdownError || this.#abortReason instanceof LeaseLostError;
  }

  /** What the attempt came to before its handler began: broken off from outside, it must not begin any more. */
  get resultBeforeStart(): AttemptResult | undefined {
    if (this.#abortReason === undefined) return undefined;
    return this.#interruptedBy ?? (this.interrupted ? { state: 'RELEASED' } : undefined);
  }

  /** What `progress()` last said, for the final record. */
  get lastProgress(): JsonValue | undefined {
    return this.#progress;
  }

  progress(value: unknown): Promise<void> {
    assertJson(value, 'progress', this.#tools.maxResult, 'progress values');
    this.#progress = snapshot(value);
    this.#tools.onProgress(this.#message, this.#progress);
    return this.#writeState();
  }

  updateState(state: string, meta?: unknown): Promise<void> {
    assertOwnState(state);
    if (meta !== undefined) assertJson(meta, 'meta', this.#tools.maxResult, 'state fields');
    this.#state = state;
    this.#meta = meta === undefined ? undefined : snapshot(meta);
    return this.#writeState();
  }

  replace(canvas: AnyCanvas): never {
    assertSignature(canvas, 'self.replace');
    throw new Replace(canvas);
  }

  addToChord(canvas: AnyCanvas): Promise<void> {
    const { canvas: tools } = this.#tools;
    if (tools === undefined) throw new NoResultBackendError(this.id);
    this.#added += 1;
    return tools.addToChord(this.#message, canvas, this.#added);
  }

  get once(): Once {
    return createOnce(this.id, this.#tools.prefix);
  }

  /** How many members it has added to its chord. */
  get added(): number {
    return this.#added;
  }

  retry(options: RetryOptions = {}): never {
    const where = 'self.retry';
    const request: { -readonly [K in keyof RetryRequest]: RetryRequest[K] } = {};
    if (options.countdown !== undefined) request.delay = parseDuration(options.countdown, `${where}: countdown`);
    if (options.eta !== undefined) request.at = parseInstant(options.eta, `${where}: eta`);
    if (options.exc !== undefined) request.exc = options.exc;
    if (options.maxRetries !== undefined) request.maxRetries = options.maxRetries;
    if (options.args !== undefined) request.args = options.args;
    throw new Retry(request);
  }

  /** Records STARTED; for tasks with `trackStarted`. */
  markStarted(): Promise<void> {
    return this.#writeState();
  }

  #writeState(): Promise<void> {
    this.#step += 1;
    return this.#tools.states.write(this.#message, {
      id: this.id,
      task: this.name,
      state: this.#state,
      ...(this.#meta === undefined ? {} : { meta: this.#meta }),
      ...(this.#progress === undefined ? {} : { progress: this.#progress }),
      attempts: this.attempt,
      step: this.#step,
      at: this.#tools.clock.now(),
      worker: this.worker,
      ...(this.#message.canvas ? { canvas: this.#message.canvas } : {}),
    });
  }
}
