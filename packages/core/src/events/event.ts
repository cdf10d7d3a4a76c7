import type { Failure } from '../message/failure.ts';
import type { JsonValue } from '../message/json.ts';

/** Fields of every event about a task. */
export interface TaskEventFields {
  /** The task's id. */
  readonly id: string;
  /** The task's name. */
  readonly task: string;
  readonly queue: string;
  readonly rootId?: string | undefined;
  readonly parentId?: string | undefined;
  /** Of the task and its call, where there are any. */
  readonly tags?: readonly string[] | undefined;
}

/** Fields of every event about a worker. */
export interface WorkerEventFields {
  readonly app: string;
  readonly pid: number;
  readonly queues: readonly string[];
  readonly slots: number;
}

/** An error in an event: its name and message, never its arguments or stack. */
export type EventFailure = Pick<Failure, 'name' | 'message'>;

/** What each event carries beside `type`, `at` (epoch ms) and, from workers, `worker`. */
export interface EventFields {
  /** A call was accepted by the broker (with `conf.taskSendSentEvent`). */
  readonly 'task.sent': TaskEventFields & { readonly eta?: number | undefined };
  /** A worker took the task; again when it was held, postponed or retried meanwhile. */
  readonly 'task.received': TaskEventFields;
  /** Its handler begins: not sent for one that is held, rate-limited, expired or revoked before. `attempt` counts from 1. */
  readonly 'task.started': TaskEventFields & { readonly attempt: number };
  /** `runtime` in milliseconds. */
  readonly 'task.succeeded': TaskEventFields & { readonly attempt: number; readonly runtime: number };
  readonly 'task.failed': TaskEventFields & {
    readonly attempt: number;
    readonly runtime: number;
    readonly failure: EventFailure;
  };
  /** `retryAt` is when the next attempt may begin, epoch ms. */
  readonly 'task.retried': TaskEventFields & {
    readonly attempt: number;
    readonly retryAt: number;
    readonly failure: EventFailure;
  };
  readonly 'task.revoked': TaskEventFields & { readonly reason: string };
  readonly 'task.rejected': TaskEventFields & { readonly requeued: boolean; readonly reason: string };
  readonly 'task.progress': TaskEventFields & { readonly progress: JsonValue };
  readonly 'worker.online': WorkerEventFields;
  /**
   * Every two seconds. `tasks` are the names of the tasks that run, ten at most; `loopLag` is the event loop's worst delay in the
   * last seconds, and `unpolledFor` how long one of its queues has gone unpolled, in milliseconds.
   */
  readonly 'worker.heartbeat': WorkerEventFields & {
    readonly running: number;
    readonly succeeded: number;
    readonly failed: number;
    readonly retried: number;
    readonly loopLag: number;
    readonly tasks?: readonly string[] | undefined;
    readonly unpolledFor?: number | undefined;
  };
  readonly 'worker.offline': WorkerEventFields;
}

/** The name of an event. */
export type EventType = keyof EventFields;

/** An event of one type. */
export type EventOf<T extends EventType> = {
  readonly type: T;
  readonly at: number;
  readonly worker?: string | undefined;
} & EventFields[T];

/** Any event; `type` tells which. */
export type LovageEvent = { readonly [T in EventType]: EventOf<T> }[EventType];

/** Where events travel on the bus, many in one message. */
export const eventTopic = 'events';
