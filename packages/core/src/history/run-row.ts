/** How an attempt ended, as far as history keeps it. */
export type RunState = 'SUCCESS' | 'FAILURE' | 'REVOKED' | 'RETRY';

/** The error of an attempt in brief. */
export interface RunError {
  /** The error's class name. */
  readonly name: string;
  /** At most 300 characters of it. */
  readonly message: string;
  /** The group of failures it belongs to: the same for the same error at the same place, see {@link fingerprintOf}. */
  readonly fingerprint: string;
  /** The first frame of the stack that lies in the user's own code: `charge (/app/tasks.ts:3:9)`. */
  readonly frame?: string;
}

/** One attempt of one task, after it ended. */
export interface RunRow {
  /** The task's id. */
  readonly id: string;
  /** The task's name. */
  readonly task: string;
  readonly queue: string;
  readonly state: RunState;
  /** When the attempt ended, epoch ms by the broker's clock. */
  readonly at: number;
  /** For how long the message was ready to be run before the attempt began, in milliseconds. */
  readonly wait: number;
  /** For how long the attempt ran, in milliseconds. */
  readonly run: number;
  /** Which run of the handler it was, from 1. */
  readonly attempt: number;
  readonly worker: string;
  /** The message's tags, and its stamps as `name=value`. */
  readonly tags?: readonly string[];
  /** FAILURE and RETRY. */
  readonly error?: RunError;
  /** REVOKED: why. */
  readonly reason?: string;
}

/** The states that have a stream of their own: they are few, and what people look for. */
export type RunKind = 'succeeded' | 'other';

/** Which stream of the history a row belongs to. */
export function kindOf({ state }: Pick<RunRow, 'state'>): RunKind {
  return state === 'SUCCESS' ? 'succeeded' : 'other';
}

/** A task that ended as FAILURE and can be run again. */
export interface FailureEntry {
  /** The attempt that was its last. */
  readonly row: RunRow & { readonly error: RunError };
  /** The message as JSON, so that it can be sent again. */
  readonly message: string;
  /** At most 4,000 characters of the error's stack. */
  readonly stack?: string;
}

/** Failures that have one cause, as far as can be told. */
export interface FailureGroup {
  readonly fingerprint: string;
  /** The error's class name. */
  readonly name: string;
  /** The message of the latest one. */
  readonly message: string;
  readonly frame?: string;
  /** The task of the latest one. */
  readonly task: string;
  /** How many can be run again. */
  readonly open: number;
  /** How many there have been since the first one, those that were run again or discarded included. */
  readonly total: number;
  /** Epoch ms. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** The id of the latest one. */
  readonly example: string;
}
