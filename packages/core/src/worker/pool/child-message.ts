import {
  DeadlineExceeded,
  LeaseLostError,
  SoftTimeLimitExceeded,
  TaskRevokedError,
  TimeLimitExceeded,
  WorkerShutdownError,
} from '../../errors.ts';
import type { LogFields } from '../../logger.ts';
import type { Failure } from '../../message/failure.ts';
import type { Message } from '../../message/message.ts';
import type { OutcomeRecord } from '../../message/outcome.ts';
import type { AttemptContext } from '../execution/attempt-context.ts';
import type { LimitPair } from '../middleware/task-limits.ts';

/** What a child must know to run handlers; plain data. */
export interface ChildSetup {
  /** Absent: the program has its app in it. */
  readonly app?: AppModule;
  readonly worker: string;
  /** The worker's process. */
  readonly pid: number;
  /** Marks what the child's program says, since handlers may send messages of their own. */
  readonly nonce: string;
  readonly maxPayload: number;
  readonly maxResult: number;
}

/** Where a child finds the app. */
export interface AppModule {
  /** URL of the module that makes the app. */
  readonly url: string;
  /** The app's export; absent: the default export, or `app`. */
  readonly exportName?: string;
  /** URL of a module whose `loadApp({ url, exportName })` loads it, for TypeScript and the like. @default a plain import */
  readonly loader?: string;
}

/** From the worker to a child. */
export type ToChild =
  | {
      readonly type: 'run';
      readonly message: Message;
      readonly deliveryCount: number;
      /** How many milliseconds the broker's clock is ahead of the machine's. */
      readonly ahead: number;
      /** Its time limits, as the worker has them. */
      readonly limits: LimitPair;
      /** By the machine's clock, which is the child's too. */
      readonly deadline?: number;
      readonly fence?: number;
    }
  | { readonly type: 'abort'; readonly name: string }
  | { readonly type: 'stored'; readonly sequence: number };

/** From a child to the worker. */
export type FromChild =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'state'; readonly sequence: number; readonly record: OutcomeRecord }
  | {
      readonly type: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly message: string;
      readonly fields: LogFields;
      /** Fields that are errors. */
      readonly errors: Readonly<Record<string, Failure>>;
    }
  /** `text` is an attempt's result as JSON: made in the child, where it can still fail as the task's own. */
  | { readonly type: 'result'; readonly text: string; readonly memory: number };

/** A message as it is sent: with the mark of its setup. */
export function envelope(nonce: string, message: FromChild): readonly [string, FromChild] {
  return [nonce, message];
}

/** The message of an envelope; undefined for whatever else a handler has sent. */
export function openEnvelope(nonce: string, sent: unknown): FromChild | undefined {
  return Array.isArray(sent) && sent[0] === nonce ? (sent[1] as FromChild) : undefined; // our program's, by the mark
}

/** An abort reason as data. */
export function abortMessage(reason: Error): ToChild {
  return { type: 'abort', name: reason.name };
}

/** The reason of an abort, rebuilt in the child. */
export function abortReason(
  name: string,
  { id, softTimeLimit = 0, timeLimit = 0 }: Pick<AttemptContext, 'id' | 'softTimeLimit' | 'timeLimit'>,
): Error {
  switch (name) {
    case 'WorkerShutdownError':
      return new WorkerShutdownError(id);
    case 'LeaseLostError':
      return new LeaseLostError(id);
    case 'SoftTimeLimitExceeded':
      return new SoftTimeLimitExceeded(softTimeLimit, id);
    case 'DeadlineExceeded':
      return new DeadlineExceeded(id);
    case 'TimeLimitExceeded':
      return new TimeLimitExceeded(timeLimit, id);
    default:
      return new TaskRevokedError(id, 'terminated');
  }
}
