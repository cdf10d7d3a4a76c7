import type { Signature } from '../canvas/signature.ts';
import type { CallOptions } from '../producer/call-options.ts';
import type { Run } from './run.ts';
import type { WorkflowContext } from './workflow-context.ts';

/** Options of a start: those of a call, and the id of the run. */
export interface StartOptions
  extends Pick<
    CallOptions,
    | 'queue'
    | 'priority'
    | 'countdown'
    | 'eta'
    | 'expires'
    | 'headers'
    | 'stamps'
    | 'resultExpires'
    | 'link'
    | 'linkError'
  > {
  /** The id of the run: the same id again is the same run. @default a new UUID */
  readonly id?: string;
}

/** A workflow: a task that is carried from step to step. `Input` is what it is given, `CallInput` what a caller may pass. */
export interface Workflow<Input = unknown, Output = unknown, CallInput = Input> {
  readonly name: string;
  readonly version: string | undefined;
  /** Starts a run; resolves when the broker has durably accepted it. Throws as {@link Task.applyAsync} does. */
  start(input: CallInput, options?: StartOptions): Promise<Run<Output>>;
  /** A signature of a run: stands in chains, groups, chords and schedules. Without an input it takes the value before it. */
  s(): Signature<[CallInput], Output>;
  s(input: CallInput): Signature<[], Output>;
  /** An immutable signature: what a chain pipes into it is dropped. */
  si(input: CallInput): Signature<[], Output>;
  /** @internal For `w.child` and `w.start`. */
  siInput(input: CallInput): Signature<[], Output>;
  /** The function itself, for tests. */
  readonly run: (w: WorkflowContext, input: Input) => Output | Promise<Output>;
}
