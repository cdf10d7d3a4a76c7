import {
  DeadlineExceeded,
  LeaseLostError,
  SoftTimeLimitExceeded,
  TaskRevokedError,
  TimeLimitExceeded,
  WorkerShutdownError,
} from '../../errors.ts';
import type { LogFields } from '../../logger.ts';
import type { Message } from '../../task/message.ts';
import type { OutcomeRecord } from '../../task/outcome.ts';
import type { AttemptResult } from '../attempt-result.ts';

/** What a child must know to run handlers; plain data. */
export interface ChildSetup {
  readonly app: AppModule;
  readonly worker: string;
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
      /** By the machine's clock, which is the child's too. */
      readonly deadline?: number;
      readonly fence?: number;
    }
  | { readonly type: 'abort'; readonly name: string; readonly limit?: number }
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
    }
  | { readonly type: 'result'; readonly result: AttemptResult; readonly memory: number };

/** An abort reason as data. */
export function abortMessage(reason: Error): ToChild {
  return { type: 'abort', name: reason.name };
}

/** The reason of an abort, rebuilt in the child. */
export function abortReason(name: string, taskId: string): Error {
  switch (name) {
    case 'WorkerShutdownError':
      return new WorkerShutdownError(taskId);
    case 'LeaseLostError':
      return new LeaseLostError(taskId);
    case 'SoftTimeLimitExceeded':
      return new SoftTimeLimitExceeded(0, taskId);
    case 'DeadlineExceeded':
      return new DeadlineExceeded(taskId);
    case 'TimeLimitExceeded':
      return new TimeLimitExceeded(0, taskId);
    default:
      return new TaskRevokedError(taskId, 'terminated');
  }
}
