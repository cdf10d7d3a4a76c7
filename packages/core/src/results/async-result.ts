import { onAbort } from '../abort-signal.ts';
import type { Clock } from '../clock.ts';
import type { MessageLocation } from '../driver/monitor.ts';
import {
  NoResultBackendError,
  NotSupportedError,
  ResultExpiredError,
  ResultTimeoutError,
  TaskRevokedError,
} from '../errors.ts';
import type { ErrorRegistry } from '../message/failure.ts';
import { isFinal, type ListRef, type OutcomeRecord, type TaskState } from '../message/outcome.ts';
import { decodeEach, decodeResult, type PayloadOwner } from '../message/payload-codec.ts';
import { type Duration, parseDuration } from '../options/duration.ts';
import type { MaybePromise } from '../options/schema.ts';
import type { TaskRegistry } from '../task/task.ts';
import { forgetAll } from './forget-all.ts';
import { type ListReading, listValues } from './list-values.ts';
import { ProgressQueue } from './progress-queue.ts';
import type { ResultInbox, ResultStores, Watched } from './result-inbox.ts';
import { readGraph, type TaskGraph } from './task-graph.ts';
import { Wait, type Waiting } from './wait.ts';

/** How long to wait, and what may end the wait. The task goes on in either case, but for a deadline that it has. */
export interface GetOptions {
  /** Throws {@link ResultTimeoutError} afterwards. @default none: waits until the task ends */
  readonly timeout?: Duration;
  /** Rejects with the signal's reason when it aborts. */
  readonly signal?: AbortSignal;
}

/** What results need of the app. */
export interface ResultContext {
  readonly clock: Clock;
  readonly inbox: ResultInbox;
  readonly registry: TaskRegistry;
  readonly errors: ErrorRegistry;
  /** False: the app stores no results. */
  readonly enabled: boolean;
  readonly stores: () => Promise<ResultStores>;
  /** Takes tasks back; the app's control. */
  readonly revoke: (ids: readonly string[], options: { readonly terminate?: boolean }) => Promise<unknown>;
}

/** Where a task stands for its caller. */
export interface ResultOrigin {
  readonly id: string;
  /** This process published it: rings come here. */
  readonly notifiesThisProcess: boolean;
  readonly queue?: string;
  /** The inbox listened before the task was sent. */
  readonly subscribedBeforePublish?: boolean;
  readonly hasDeadline?: boolean;
  /** The call asked for no result. */
  readonly ignored?: boolean;
  readonly parentId?: string;
  /** The ids of what came before the parent, the nearest first. */
  readonly ancestors?: readonly string[];
  /** The task's schemas, where known. */
  readonly payload?: PayloadOwner;
}

/** A task that was sent, from its caller's side; made by `delay` and its kin, or by `app.asyncResult(id)` in any process. */
export class AsyncResult<T = unknown> {
  readonly id: string;
  readonly #origin: ResultOrigin;
  readonly #context: ResultContext;
  #asked = false;
  #parentId: string | undefined;

  constructor(origin: ResultOrigin, context: ResultContext) {
    this.id = origin.id;
    this.#origin = origin;
    this.#context = context;
  }

  /** The result of another task of the same kind. */
  of(id: string): AsyncResult<T> {
    const { payload } = this.#origin;
    return new AsyncResult({ id, notifiesThisProcess: false, ...(payload ? { payload } : {}) }, this.#context);
  }

  /**
   * The step before this one in its canvas (of a group its first member), or the task that sent it from inside its handler; from there
   * back to the first one. Known to whoever sent it; to others once they have read the result (`get`, `state`, {@link AsyncResult.parents}).
   */
  get parent(): AsyncResult | undefined {
    const { parentId, ancestors = [] } = { parentId: this.#parentId, ...this.#origin };
    if (parentId === undefined) return undefined;
    const [next, ...more] = ancestors;
    const before = next === undefined ? {} : { parentId: next, ancestors: more };
    return new AsyncResult({ id: parentId, notifiesThisProcess: false, ...before }, this.#context);
  }

  /** All that came before it, the nearest first, as far as the store knows; each knows its `parent` from then on. */
  async parents(): Promise<readonly AsyncResult[]> {
    const found: AsyncResult[] = [];
    const seen = new Set([this.id]);
    let at = this.parent ?? (await this.#record().then(() => this.parent));
    for (; at !== undefined && !seen.has(at.id); at = at.parent ?? (await at.#record().then(() => at?.parent))) {
      seen.add(at.id);
      found.push(at);
    }
    return found;
  }

  /**
   * The task's value. Throws {@link TaskFailedError} (or the registered error class), {@link TaskRevokedError},
   * {@link ResultTimeoutError}, {@link ResultExpiredError}, {@link NoResultBackendError}, {@link ClosedError} when the app
   * is closed meanwhile; undefined at once when the call asked for no result.
   */
  get(options: GetOptions = {}): Promise<T> {
    if (this.#origin.ignored) return Promise.resolve(undefined as T); // asked for: ignoreResult
    if (options.timeout === undefined && options.signal === undefined) return this.#getWithoutLimit();
    const began = this.#context.clock.monotonic();
    return this.wait(options).then((record) =>
      record.list ? (this.#listInTime(record, options, began) as Promise<T>) : (this.#unwrap(record) as T),
    );
  }

  /** As most calls are: what ten thousand of them hold is what garbage collection costs. */
  #getWithoutLimit(): Promise<T> {
    if (!this.#context.enabled) return Promise.reject(new NoResultBackendError(this.id));
    try {
      return new Wait<T>(this.#watched(), this.#context, {}, (record) => this.#unwrap(record) as T).record;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The members of a list are read within the time that is left, too. */
  #listInTime(record: OutcomeRecord, { timeout, signal }: GetOptions, began: number): Promise<unknown> {
    const { clock } = this.#context;
    const given = timeout === undefined ? Number.POSITIVE_INFINITY : parseDuration(timeout, 'get: timeout');
    const check = (): void => {
      signal?.throwIfAborted();
      if (clock.monotonic() - began >= given)
        throw new ResultTimeoutError(this.id, given, ': the values of its members were not read in time');
    };
    return Promise.resolve(this.#unwrap(record, check));
  }

  /** The task's final record, whatever it says; throws as {@link AsyncResult.get} does when there will be none. */
  wait(options: GetOptions = {}): Promise<OutcomeRecord> {
    try {
      return this.startWait(options).record;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** As {@link AsyncResult.wait}, and can be given up. */
  startWait(options: GetOptions): Waiting {
    if (!this.#context.enabled) throw new NoResultBackendError(this.id);
    const { signal } = options;
    const timeout = options.timeout === undefined ? undefined : parseDuration(options.timeout, 'get: timeout');
    signal?.throwIfAborted();
    return new Wait(this.#watched(), this.#context, { timeout, signal });
  }

  /** The value of a final record, or the error it stands for. */
  async valueOf(record: OutcomeRecord): Promise<T> {
    return (await this.#unwrap(record)) as T;
  }

  /** PENDING · SENT · RECEIVED · STARTED · RETRY · SUCCESS · FAILURE · REVOKED, or one set by `self.updateState`. */
  async state(): Promise<TaskState> {
    const record = await this.#record();
    if (record && isFinal(record)) return record.state;
    const place = await this.#locate();
    if (record && record.state !== 'PENDING') {
      return record.state === 'RETRY' && place === 'running' ? 'RECEIVED' : record.state;
    }
    if (place === undefined) return (await this.#record())?.state ?? 'PENDING'; // it may have ended between the two looks
    return place === 'running' ? 'RECEIVED' : 'SENT';
  }

  /** Whether the task has ended. */
  async ready(): Promise<boolean> {
    const record = await this.#record();
    return record !== undefined && isFinal(record);
  }

  async successful(): Promise<boolean> {
    return (await this.#record())?.state === 'SUCCESS';
  }

  async failed(): Promise<boolean> {
    return (await this.#record())?.state === 'FAILURE';
  }

  /** The value of a task that succeeded, the error of one that failed, else what `updateState` or `progress` last said. */
  async info(): Promise<unknown> {
    const record = await this.#record();
    if (record === undefined) return undefined;
    if (!isFinal(record)) return record.meta ?? record.progress;
    return this.valueOf(record).catch((error: unknown) => error);
  }

  /** What the handler says through `self.progress()`, as it says it, until the task ends. Never throws for a failed task. */
  async *progress(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<unknown, void, undefined> {
    if (!this.#context.enabled) throw new NoResultBackendError(this.id);
    if (options.signal?.aborted) return;
    const queue = new ProgressQueue();
    this.#context.inbox.watch(this.#watched(), queue);
    const forget = options.signal && onAbort(options.signal, () => queue.end());
    try {
      yield* queue.drain();
    } finally {
      this.#context.inbox.unwatch(this.id, queue);
      forget?.();
    }
  }

  /**
   * Takes the task back, durably: it ends REVOKED at once for its waiters and is not run where it still waits. One that
   * runs goes on without effect, or is broken off with `terminate`. A task that has ended stays as it ended.
   */
  async revoke(options: { readonly terminate?: boolean } = {}): Promise<void> {
    await this.#context.revoke([this.id], options);
  }

  /** The canvas that the task belongs to, with live states. */
  async graph(): Promise<TaskGraph> {
    return readGraph(await this.#context.stores(), this.id);
  }

  /** What the task led to in its canvas: the next step, members of a group, callbacks that were sent. */
  async children(): Promise<readonly AsyncResult[]> {
    const { edges } = await this.graph();
    const ids = edges.filter(({ from }) => from === this.id).map(({ to }) => to);
    return ids.map((id) => new AsyncResult({ id, notifiesThisProcess: false, parentId: this.id }, this.#context));
  }

  /**
   * Deletes the stored result, and those of a group's members; the id then reads PENDING. A step of a canvas that has not
   * ended is left as it is: what is stored of it is what will be sent.
   */
  async forget(): Promise<void> {
    const { results } = await this.#context.stores();
    for (const id of await forgetAll(results, [this.id])) this.#context.inbox.forget(id);
  }

  /** A task rings once: whoever asks again may have had its ring, and finds what it came to in the store. */
  #watched(): Watched {
    if (!this.#asked) {
      this.#asked = true;
      return this.#origin;
    }
    return { ...this.#origin, subscribedBeforePublish: false };
  }

  async #record(): Promise<OutcomeRecord | undefined> {
    if (!this.#context.enabled) throw new NoResultBackendError(this.id);
    const { results } = await this.#context.stores();
    const [record] = await results.get([this.id]);
    this.#parentId = record?.parentId;
    return record;
  }

  async #locate(): Promise<MessageLocation | undefined> {
    const { monitor } = await this.#context.stores();
    if (monitor === undefined) throw new NotSupportedError('this broker cannot be asked where a task is');
    const [place] = await monitor.locate([this.id], this.#origin.queue ? [this.#origin.queue] : undefined);
    return place;
  }

  #unwrap(record: OutcomeRecord, check?: () => void): MaybePromise<unknown> {
    this.#parentId = record.parentId;
    const { errors, registry } = this.#context;
    const failureContext = { taskId: this.id, task: record.task, attempts: record.attempts };
    if (record.state === 'SUCCESS') {
      const read = (of: OutcomeRecord) => {
        const payload = (of === record ? this.#origin.payload : undefined) ?? registry.get(of.task)?.payload;
        return of.each ? decodeEach(payload, of) : decodeResult(payload, of.value, of.id);
      };
      return record.list ? this.#listOf(record.list, { read, ...(check ? { check } : {}) }) : read(record);
    }
    const cause = record.failure && errors.toError(record.failure, failureContext);
    if (record.state === 'REVOKED') throw new TaskRevokedError(this.id, record.reason ?? 'revoked', cause);
    throw cause ?? new ResultExpiredError(this.id);
  }

  async #listOf(list: ListRef, reading: Omit<ListReading, 'results'>): Promise<unknown> {
    return listValues(list, { ...reading, results: (await this.#context.stores()).results });
  }
}
