import type { Clock } from '../../clock.ts';
import type { TakenRun, WorkflowStore } from '../../driver/workflow-store.ts';
import type { Logger } from '../../logger.ts';
import type { EntryKind } from '../log-entry.ts';
import type { RunErrors } from '../run-errors.ts';
import type { Completion } from './request.ts';

/** Bounds of a workflow, resolved; milliseconds and characters. */
export interface RunLimits {
  /** From the first start of the run; undefined: none. */
  readonly timeout: number | undefined;
  /** Waits longer than this are spent in the broker. */
  readonly parkAfter: number;
  readonly maxEntries: number;
  readonly maxLog: number;
  readonly maxResult: number;
}

/** What an engine needs. */
export interface EngineOptions {
  readonly taken: TakenRun;
  readonly version: string | undefined;
  readonly store: WorkflowStore;
  readonly clock: Clock;
  /** Tells the moments that cross machines. */
  readonly brokerClock: Pick<Clock, 'now'>;
  readonly logger: Logger;
  readonly errors: RunErrors;
  readonly limits: RunLimits;
  /** Aborts when the worker gives the run up: shutdown, lost lease. */
  readonly signal: AbortSignal;
  /** Reads the stored outcome of a child. */
  readonly readChild: (id: string) => Promise<Completion['result']>;
  /** Cancels what the run waits for; what has ended already is left alone. */
  readonly cancelChild: (kind: EntryKind, id: string) => Promise<void>;
  /** Nothing is run and nothing is written: the code is only compared with the log. */
  readonly dry?: boolean;
}
