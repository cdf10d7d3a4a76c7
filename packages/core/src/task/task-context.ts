import { AsyncLocalStorage } from 'node:async_hooks';
import { NoCurrentTaskError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { JsonValue } from '../message/json.ts';
import type { Duration, Instant } from '../options/duration.ts';
import type { Once } from './transaction.ts';

/** What `self.retry()` takes. */
export interface RetryOptions {
  /** Delay before the next attempt. @default the task's backoff, or `defaultRetryDelay` */
  readonly countdown?: Duration;
  /** The moment of the next attempt; wins over `countdown`. */
  readonly eta?: Instant;
  /** The error that becomes the task's failure when the retries are spent. */
  readonly exc?: unknown;
  /** Overrides the task's `maxRetries`; null removes the limit. */
  readonly maxRetries?: number | null;
  /** Replaces the arguments of the next attempt. */
  readonly args?: readonly unknown[];
}

/** The running attempt, as its handler sees it: `self` with `bind: true`, and `currentTask()` anywhere below. */
export interface TaskContext {
  /** The task was called as a function (Celery's `called_directly`); false on a worker. */
  readonly calledDirectly: boolean;
  readonly id: string;
  /** The task's name. */
  readonly name: string;
  /** The arguments as they came over the wire. */
  readonly args: readonly JsonValue[];
  readonly queue: string;
  readonly priority: number;
  /** 1 for the first run. */
  readonly attempt: number;
  /** Retries spent before this attempt. */
  readonly retries: number;
  /** null: no limit. */
  readonly maxRetries: number | null;
  readonly rootId: string;
  readonly parentId: string | undefined;
  readonly groupId: string | undefined;
  readonly groupIndex: number | undefined;
  readonly eta: Date | undefined;
  readonly expires: Date | undefined;
  /** When its caller stops waiting, by this machine's clock; undefined where it waits as long as it takes. */
  readonly deadline: Date | undefined;
  /** Milliseconds. */
  readonly timeLimit: number | undefined;
  /** Milliseconds. */
  readonly softTimeLimit: number | undefined;
  readonly headers: Readonly<Record<string, JsonValue>>;
  readonly stamps: Readonly<Record<string, JsonValue>>;
  /** 1, or more when a worker that held the task was lost. */
  readonly deliveryCount: number;
  /**
   * Of a task with a concurrency or ordering key: a number larger than that of every attempt let in before. A store that
   * refuses smaller ones is safe from a worker that lost its lease and works on. undefined: the task has no key.
   */
  readonly fence: number | undefined;
  /** The worker's name. */
  readonly worker: string;
  /** Aborts on the soft time limit, a lost lease, a shutdown past its drain: pass it to `fetch` and the like. */
  readonly signal: AbortSignal;
  /** A logger whose lines carry the task's name and id. */
  readonly log: Logger;
  /** Milliseconds until the deadline, 0 when it has passed; undefined without one. */
  remaining(): number | undefined;
  /** Tells waiters how far the task is; `value` is any JSON. Resolves when it is stored, and never rejects. */
  progress(value: unknown): Promise<void>;
  /** Puts the task in a state of your own, with JSON that `result.info()` returns. */
  updateState(state: string, meta?: unknown): Promise<void>;
  /** Ends this attempt and asks for another: throws, so that `throw self.retry()` and `self.retry()` do the same. */
  retry(options?: RetryOptions): never;
  /**
   * Ends this attempt and puts a canvas in the task's place: its result is the task's, and what follows the task follows
   * the canvas. Throws, as `retry` does.
   */
  replace(canvas: AnyCanvas): never;
  /**
   * Runs `work` in a transaction of `pool` that also marks this step of this task as done, so that both are committed or neither: exactly-once
   * effects inside the same PostgreSQL database. Where the step is done already, in an earlier attempt or in one that runs beside this
   * one, `work` does not run, and what it returned comes back, as JSON. Needs `@lovage/postgres` and its tables in that database.
   */
  readonly once: Once;
  /** Adds a member to the chord that this task is a header member of; its value comes after those of the header. */
  addToChord(canvas: AnyCanvas): Promise<void>;
}

/** A signature or canvas, as far as this layer knows it. */
export interface AnyCanvas {
  readonly shape: object;
  toJSON(): object;
}

const running = new AsyncLocalStorage<TaskContext>();

/** The context of the task that runs here. Throws {@link NoCurrentTaskError} outside of one. */
export function currentTask(): TaskContext {
  const context = running.getStore();
  if (context === undefined) throw new NoCurrentTaskError();
  return context;
}

/** As {@link currentTask}, or undefined outside of a task. */
export function currentTaskOrNone(): TaskContext | undefined {
  return running.getStore();
}

/** The task on a worker that sends what is sent here; undefined where none does, also in a task that is called as a function. */
export function sendingTask(): TaskContext | undefined {
  const context = running.getStore();
  return context?.worker === '' ? undefined : context;
}

/** Runs `body` as part of that task. For the worker. */
export function runAsTask<T>(context: TaskContext, body: () => T): T {
  return running.run(context, body);
}
