import { hasCallbacks } from '../canvas/as-call.ts';
import { Group, inChunks } from '../canvas/group.ts';
import type { Signature, SignatureSender } from '../canvas/signature.ts';
import { TaskSignature } from '../canvas/task-signature.ts';
import type { TailOf, WithoutTail } from '../canvas/types/pipe-types.ts';
import type { CallOptions } from '../producer/call-options.ts';
import type { AsyncResult, GetOptions } from '../results/async-result.ts';
import type { TaskDefinition } from '../task/task.ts';
import { callDirectly } from './direct-call.ts';

/**
 * A named task. `Args` are the handler's parameters, `Result` what `get()` yields, `CallArgs` what `delay` takes (wider
 * than `Args` where a schema fills in defaults), `Direct` what calling the handler in process returns.
 */
export interface Task<
  Args extends readonly unknown[] = readonly unknown[],
  Result = unknown,
  CallArgs extends readonly unknown[] = Args,
  Direct = Result | Promise<Result>,
> {
  /** Runs the handler here and now, without a broker, on arguments that its schema validated and decoded. Throws {@link TaskValidationError}. */
  (...args: CallArgs): Direct;
  /** The task's name on the wire. */
  readonly name: string;
  /** Sends a call; resolves when the broker has durably accepted it. For errors see {@link Task.applyAsync}. */
  delay(...args: CallArgs): Promise<AsyncResult<Result>>;
  /**
   * Sends a call with options. Throws {@link TaskValidationError}, {@link PayloadNotSerializableError},
   * {@link PayloadTooLargeError}, {@link ConfigurationError}, {@link BrokerMemoryError}: nothing was sent;
   * {@link BrokerUnavailableError}: it may have been accepted, and the error carries the task id.
   */
  applyAsync(args: CallArgs, options?: CallOptions): Promise<AsyncResult<Result>>;
  /** Sends a call and awaits its value, as a remote procedure call. */
  call(args: CallArgs, options?: CallOptions & GetOptions): Promise<Result>;
  /** Sends a call for each list of arguments, 500 a round trip, in order. */
  delayMany(
    argsList: Iterable<CallArgs>,
    options?: Omit<CallOptions, 'taskId' | 'idempotencyKey' | 'link' | 'linkError'>,
  ): Promise<readonly AsyncResult<Result>[]>;
  /** A call to be sent later; the arguments given now are the last ones. */
  s<const Tail extends TailOf<CallArgs>>(...args: Tail): Signature<WithoutTail<CallArgs, Tail>, Result>;
  /** An immutable signature: what a chain pipes into it is dropped. */
  si(...args: CallArgs): Signature<[], Result>;
  /** One task that runs the handler for each item, in order, and yields the list of values. */
  map(items: Iterable<FirstOf<CallArgs>>): Signature<[], Result[]>;
  /** As {@link Task.map}, each item a list of arguments. */
  starmap(items: Iterable<CallArgs>): Signature<[], Result[]>;
  /** A group of tasks that run the handler for `size` lists of arguments each; yields one list per chunk. */
  chunks(items: Iterable<CallArgs>, size: number): Group<[], Result[][]>;
}

type FirstOf<Args extends readonly unknown[]> = Args extends readonly [(infer First)?, ...unknown[]] ? First : unknown;

/** What a task needs to send itself. */
export interface TaskSender {
  readonly canvas: SignatureSender;
  send(definition: TaskDefinition, args: readonly unknown[], options?: CallOptions): Promise<AsyncResult>;
  sendMany(
    definition: TaskDefinition,
    argsList: Iterable<readonly unknown[]>,
    options?: CallOptions,
  ): Promise<readonly AsyncResult[]>;
  callTask(definition: TaskDefinition, args: readonly unknown[], options?: CallOptions & GetOptions): Promise<unknown>;
}

/** The callable task over a definition; `current` is asked anew, since a decorated method gets its handler later. */
export function createTask(name: string, current: () => TaskDefinition, sender: TaskSender): Task {
  const direct = (...args: readonly unknown[]): unknown => callDirectly(current(), args);
  const each = (items: Iterable<readonly unknown[]>) =>
    new TaskSignature({ task: name, args: [...items], immutable: true, each: true }, sender.canvas, current());
  const signature = (args: readonly unknown[], immutable: boolean) =>
    new TaskSignature({ task: name, args, immutable }, sender.canvas, current());
  const methods = {
    delay: (...args: readonly unknown[]) => sender.send(current(), args),
    applyAsync: (args: readonly unknown[], options?: CallOptions) =>
      hasCallbacks(options) ? signature(args, false).applyAsync([], options) : sender.send(current(), args, options),
    call: (args: readonly unknown[], options?: CallOptions & GetOptions) =>
      hasCallbacks(options) ? signature(args, false).call([], options) : sender.callTask(current(), args, options),
    delayMany: (list: Iterable<readonly unknown[]>, options?: CallOptions) => sender.sendMany(current(), list, options),
    s: (...args: readonly unknown[]) => signature(args, false),
    si: (...args: readonly unknown[]) => signature(args, true),
    map: (items: Iterable<unknown>) => each(Array.from(items, (item) => [item])),
    starmap: each,
    chunks: (items: Iterable<readonly unknown[]>, size: number) =>
      new Group(Array.from(inChunks(items, size), each), undefined, sender.canvas),
  };
  Object.defineProperty(direct, 'name', { value: name });
  return Object.assign(direct, methods) as unknown as Task;
}
