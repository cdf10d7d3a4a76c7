import type { AnySignature, Signature } from '../canvas/signature.ts';
import type { Logger } from '../logger.ts';
import type { Duration, Instant } from '../options/duration.ts';
import type { Schema, SchemaOutput } from '../options/schema.ts';
import type { CallOptions } from '../producer/call-options.ts';
import type { StepFunction } from './engine/run-step.ts';
import type { StepOptions } from './step-options.ts';

/** A task or workflow, as `w.call` takes it. */
export interface Callable<Args extends readonly unknown[] = never, Result = unknown> {
  readonly name: string;
  si(...args: Args): Signature<[], Result>;
}

/** A workflow, as `w.child` and `w.start` take it. */
export interface Startable<Input = never, Output = unknown> {
  readonly name: string;
  siInput(input: Input): Signature<[], Output>;
}

/** Options of `w.event`. */
export interface EventOptions<S extends Schema | undefined = undefined, D = never> {
  /** Checks what is sent; an event that does not fit is refused, logged, and the wait goes on. @default none */
  readonly schema?: S;
  /** How long it waits. @default as long as the run lasts */
  readonly timeout?: Duration;
  /** The value when the time is over. @default none: throws {@link EventTimeoutError} */
  readonly default?: D;
}

type EventValue<S extends Schema | undefined> = S extends Schema ? SchemaOutput<S> : unknown;

/** What the function of a workflow is given: everything that is to survive a crash goes through it. */
export interface WorkflowContext {
  /** The id of the run: the task id of its message. */
  readonly id: string;
  /** Inside a step: its id, the same for all its attempts: an idempotency key. Outside: the id of the run. */
  readonly stepId: string;
  /** Inside a step: its attempt, from 1. Outside: 1. */
  readonly attempt: number;
  /** Aborts when the run is cancelled, or leaves this worker. Inside a step: the step's own, with its timeout. */
  readonly signal: AbortSignal;
  /** Logs once: not while stored outcomes are replayed. */
  readonly log: Logger;

  /** Runs `fn` and stores what it comes to; what is stored is not run again. At least once: `fn` may run again after a crash. */
  step<T>(name: string, fn: StepFunction<T>, options?: StepOptions): Promise<Awaited<T>>;
  /** Registers what undoes work that was done. When the run fails or is cancelled, all of them run as steps, the last one first. */
  compensate(name: string, fn: StepFunction, options?: StepOptions): void;
  /** Calls a task and waits for its value. No worker is held by a long wait. */
  call<Args extends readonly unknown[], Result>(
    task: Callable<Args, Result>,
    args: NoInfer<Args>,
    options?: Pick<CallOptions, 'queue' | 'priority' | 'countdown' | 'expires' | 'maxRetries' | 'headers' | 'stamps'>,
  ): Promise<Result>;
  /** Runs another workflow and waits for its output. Cancelling this run cancels it. */
  child<Input, Output>(workflow: Startable<Input, Output>, input: NoInfer<Input>): Promise<Output>;
  /** Starts another workflow that goes on alone; resolves with its run id. */
  start<Input>(
    workflow: Startable<Input>,
    input: NoInfer<Input>,
    options?: { readonly id?: string },
  ): Promise<{ readonly id: string }>;
  /** Sends a canvas and waits for its value; that of a group is a list of JSON values. */
  run<Output>(canvas: Signature<[], Output>): Promise<Output>;
  sleep(duration: Duration): Promise<void>;
  sleepUntil(moment: Instant): Promise<void>;
  /** Waits for an event that `run.send(name, payload)` sends, before or after. */
  event<S extends Schema | undefined = undefined, D = never>(
    name: string,
    options?: EventOptions<S, D>,
  ): Promise<EventValue<S> | D>;
  /** The events of a name, one after the other; ends when none comes within `timeout`. */
  events<S extends Schema | undefined = undefined>(
    name: string,
    options?: Omit<EventOptions<S>, 'default'>,
  ): AsyncIterableIterator<EventValue<S>>;
  /** Epoch ms, recorded. */
  now(): number;
  /** From 0 up to 1; the same in each replay. */
  random(): number;
  /** A UUID; the same in each replay. */
  uuid(): string;
  /** True for runs that come here with this code first; false for those that were here before. Guards a change of the code. */
  patch(id: string): boolean;
  /** Ends this log and begins a new one under the same id, with another input. Events that wait stay. Throws. */
  continueAs(input: unknown): never;
  /** Tells waiters how far the run is; any JSON. */
  progress(value: unknown): Promise<void>;
}

/** A signature of any kind, for checks at run time. */
export type AnyCanvasArgument = AnySignature;
