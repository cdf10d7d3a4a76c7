import { hasCallbacks } from '../canvas/as-call.ts';
import { parseCanvas } from '../canvas/canvas-from-json.ts';
import { createOutbox, type Outbox, type OutboxOptions } from '../canvas/outbox.ts';
import type { Signature } from '../canvas/signature.ts';
import type { CanvasData } from '../canvas/signature-data.ts';
import { TaskSignature } from '../canvas/task-signature.ts';
import type { Subscription } from '../driver/result-backend.ts';
import { ConfigurationError, DuplicateTaskError } from '../errors.ts';
import { Election, type ElectionOptions } from '../locks/elect.ts';
import { type Lock, type LockOptions, takeLock } from '../locks/lock.ts';
import type { ErrorClass } from '../message/failure.ts';
import type { BroadcastOptions, BroadcastResult, BroadcastTask } from '../messaging/broadcast.ts';
import type { Topic } from '../messaging/topic.ts';
import type { SubscriptionOptions } from '../messaging/topic-groups.ts';
import type { AppTopics, Published, PublishOptions, SubscriberTask, TopicHandler } from '../messaging/topics.ts';
import type { Schema, SchemaInput, SchemaOutput } from '../options/schema.ts';
import { isName } from '../options/well-formed.ts';
import type { CallOptions } from '../producer/call-options.ts';
import { AsyncResult } from '../results/async-result.ts';
import { GroupResult } from '../results/group-result.ts';
import type { Schedulable, ScheduleOptions } from '../schedules/schedule.ts';
import type { ScheduleTime } from '../schedules/schedule-time.ts';
import type { AppConf, AppOptions } from '../settings/app-options.ts';
import type { BatchHandler, BatchItem, BatchValues } from '../task/batch.ts';
import { defineTask, type Handler, type TaskDefinition } from '../task/task.ts';
import type { TaskContext } from '../task/task-context.ts';
import type { TaskOptions } from '../task/task-options.ts';
import type { AppWorkflows } from '../workflow/app-workflows.ts';
import type { Run } from '../workflow/run.ts';
import type { Workflow } from '../workflow/workflow.ts';
import type { WorkflowFunction, WorkflowOptions } from '../workflow/workflow-code.ts';
import type { WorkflowContext } from '../workflow/workflow-context.ts';
import { type AppControl, AppInspect } from './app-control.ts';
import { AppEvents } from './app-events.ts';
import { type AppRuntime, createRuntime, setRuntime } from './app-runtime.ts';
import { type BatchTaskOptions, defineBatchTask } from './batch-task.ts';
import { type AppFailures, createFailures } from './failures.ts';
import type { AppGates } from './gates.ts';
import { DecoratedMethods, type TaskDecorator, type TasksOf } from './task-decorator.ts';
import { createTask, type Task, type TaskSender } from './task-handle.ts';
import { createTaskSender } from './task-sender.ts';
import type { ArgsSchema, CallArgs, HandlerArgs, ResultOf, ReturnAllowed, ReturnsSchema } from './task-types.ts';

/** How long `app.close()` takes at most; and what the connections get of it, at most and at least. */
const closeDeadline = 10_000;
/** What calls that were made before get to be accepted. */
const callsDeadline = 2_000;
const connectionsDeadline = { longest: 5_000, shortest: 1_000 };

/** Options for a group of tasks; a task's own win. */
export type TaskDefaults = Omit<TaskOptions, 'name' | 'args' | 'returns' | 'bind'>;

/** Defines tasks with defaults of its own. */
export type TaskDefiner = Pick<Lovage, 'task' | 'batchTask' | 'withDefaults'>;

/** An app: a name, its tasks, and the stores that its calls and results go through. Opens no connection until it must. */
export class Lovage {
  readonly name: string;
  /** Settings under Celery's `conf`. */
  readonly conf: AppConf;
  /** Commands to the workers of this app's broker. */
  readonly control: AppControl;
  /** Questions to them. */
  readonly inspect: AppInspect;
  /** What happens on them, live. */
  readonly events: AppEvents;
  /** Topics, and the durable subscriptions to them. */
  readonly topics: AppTopics;
  /** The gates that wait. */
  readonly gates: AppGates;
  /** The runs of workflows. */
  readonly workflows: AppWorkflows;
  /** The tasks that failed and can be run again. */
  readonly failures: AppFailures;
  /** Modules with more tasks, as given: see `AppOptions.include`. */
  readonly include: readonly string[];
  readonly #runtime: AppRuntime;
  readonly #decorated = new DecoratedMethods();
  readonly #bound = new Map<string, object>();
  readonly #sender: TaskSender;
  #closing: Promise<void> | undefined;

  /** Throws {@link ConfigurationError}, {@link UnknownSchemeError} or {@link BrokerUrlError} for options that cannot be. */
  constructor(name: string, options: AppOptions = {}) {
    this.name = name;
    this.#runtime = createRuntime(name, options);
    this.include = readInclude(options.include);
    this.conf = { taskDefaultQueue: this.#runtime.settings.taskDefaultQueue, ...options.conf };
    this.#sender = createTaskSender(this.#runtime);
    const { control, stores, logger, clock, topics, gates, workflows } = this.#runtime;
    this.control = control;
    this.inspect = new AppInspect(control, stores);
    this.events = new AppEvents({ stores, logger, clock });
    this.topics = topics;
    this.gates = gates;
    this.workflows = workflows;
    this.failures = createFailures(this.#runtime);
    setRuntime(this, this.#runtime);
  }

  /**
   * Defines a task. With a handler it returns the {@link Task}; without one, a method decorator. With `args` and
   * `returns` schemas the types come from them, else from the handler. Throws {@link DuplicateTaskError} and
   * {@link ConfigurationError}.
   */
  task<S extends ArgsSchema, R extends ReturnsSchema = undefined, V extends ReturnAllowed<R> = ReturnAllowed<R>>(
    options: TaskOptions & { readonly args: S; readonly returns?: R; readonly bind: true },
    handler: (self: TaskContext, ...args: HandlerArgs<S>) => V | Promise<V>,
  ): Task<HandlerArgs<S>, ResultOf<R, V>, CallArgs<S>>;
  task<S extends ArgsSchema, R extends ReturnsSchema = undefined, V extends ReturnAllowed<R> = ReturnAllowed<R>>(
    options: TaskOptions & { readonly args: S; readonly returns?: R; readonly bind?: false },
    handler: (...args: HandlerArgs<S>) => V | Promise<V>,
  ): Task<HandlerArgs<S>, ResultOf<R, V>, CallArgs<S>>;
  task<Args extends unknown[], R extends ReturnsSchema = undefined, V extends ReturnAllowed<R> = ReturnAllowed<R>>(
    options: TaskOptions & { readonly args?: undefined; readonly returns: R; readonly bind: true },
    handler: (self: TaskContext, ...args: Args) => V | Promise<V>,
  ): Task<Args, ResultOf<R, V>>;
  task<Args extends unknown[], R extends ReturnsSchema = undefined, V extends ReturnAllowed<R> = ReturnAllowed<R>>(
    options: TaskOptions & { readonly args?: undefined; readonly returns: R; readonly bind?: false },
    handler: (...args: Args) => V | Promise<V>,
  ): Task<Args, ResultOf<R, V>>;
  task<Args extends unknown[], Result>(
    options: TaskOptions & { readonly args?: undefined; readonly returns?: undefined; readonly bind: true },
    handler: (self: TaskContext, ...args: Args) => Result,
  ): Task<Args, Awaited<Result>, Args, Result>;
  task<Args extends unknown[], Result>(
    nameOrOptions:
      | string
      | (TaskOptions & { readonly args?: undefined; readonly returns?: undefined; readonly bind?: false }),
    handler: (...args: Args) => Result,
  ): Task<Args, Awaited<Result>, Args, Result>;
  task(nameOrOptions: string | TaskOptions): TaskDecorator;
  task(nameOrOptions: string | TaskOptions, handler?: Handler): unknown {
    return this.#define(nameOrOptions, handler);
  }

  #define(nameOrOptions: string | TaskOptions, handler: Handler | undefined): unknown {
    if (handler !== undefined && typeof handler !== 'function') {
      throw new ConfigurationError('app.task(nameOrOptions, handler): the handler is a function');
    }
    const definition = defineTask(nameOrOptions, handler, this.#runtime.plugins.taskOptions);
    if (handler === undefined)
      return this.#decorated.decorator(definition.name, () => this.#runtime.registry.add(definition));
    this.#runtime.registry.add(definition);
    return this.#handle(definition.name);
  }

  /**
   * Defines a task whose handler runs up to `size` calls at once: what came within `wait` of the first. To its callers each is
   * a task of its own. Throws {@link DuplicateTaskError} and {@link ConfigurationError}.
   */
  batchTask<S extends ArgsSchema, R extends ReturnsSchema = undefined, V extends ReturnAllowed<R> = ReturnAllowed<R>>(
    options: BatchTaskOptions & { readonly args: S; readonly returns?: R },
    handler: (items: readonly BatchItem<HandlerArgs<S>>[]) => BatchValues<V>,
  ): Task<HandlerArgs<S>, ResultOf<R, V>, CallArgs<S>>;
  batchTask<Args extends unknown[], V>(
    options: BatchTaskOptions & { readonly args?: undefined; readonly returns?: undefined },
    handler: (items: readonly BatchItem<Args>[]) => BatchValues<V>,
  ): Task<Args, V>;
  batchTask(options: BatchTaskOptions, handler: BatchHandler): unknown {
    this.#runtime.registry.add(defineBatchTask(options, handler, this.#runtime.plugins.taskOptions));
    return this.#handle(options.name);
  }

  /**
   * The same `task` and `batchTask` with other defaults: what a task does not say itself is taken from `defaults`. It is what
   * Celery's custom base class is used for. May be nested. Throws as {@link Lovage.task}, where a task is defined.
   */
  withDefaults(defaults: TaskDefaults): TaskDefiner {
    const over = (given: string | TaskOptions): TaskOptions =>
      typeof given === 'string' ? { ...defaults, name: given } : { ...defaults, ...given };
    const definer = {
      task: (given: string | TaskOptions, handler?: Handler) => this.#define(over(given), handler),
      batchTask: (given: BatchTaskOptions, handler: BatchHandler) =>
        this.batchTask({ ...defaults, ...given } as never, handler as never),
      withDefaults: (more: TaskDefaults) => this.withDefaults({ ...defaults, ...more }),
    };
    return definer as unknown as TaskDefiner; // the types of `task` and `batchTask` are those of the app
  }

  /**
   * Defines a workflow: an async function whose steps are stored, so that it goes on where it was after a crash, a deploy or
   * days of waiting (docs/workflows.md). The same name with another `version` adds that version; runs are started with
   * the one defined last. Throws {@link DuplicateTaskError}, {@link ConfigurationError}.
   */
  workflow<S extends Schema, R extends Schema | undefined = undefined, V extends ReturnAllowed<R> = ReturnAllowed<R>>(
    options: WorkflowOptions & { readonly input: S; readonly output?: R },
    fn: (w: WorkflowContext, input: SchemaOutput<S>) => V | Promise<V>,
  ): Workflow<SchemaOutput<S>, ResultOf<R, V>, SchemaOutput<S> | SchemaInput<S>>;
  workflow<Input, R extends Schema | undefined = undefined, V extends ReturnAllowed<R> = ReturnAllowed<R>>(
    options: WorkflowOptions & { readonly input?: undefined; readonly output?: R },
    fn: (w: WorkflowContext, input: Input) => V | Promise<V>,
  ): Workflow<Input, ResultOf<R, V>>;
  workflow(options: WorkflowOptions, fn: (w: WorkflowContext, input: never) => unknown): unknown {
    return this.#runtime.workflows.define(options, fn as WorkflowFunction); // typed by the overloads
  }

  /** The run of a workflow that was started from any process: its id is all it takes. */
  run<T = unknown>(id: string): Run<T> {
    return this.#runtime.workflows.run<T>(id);
  }

  /** The tasks of an instance's decorated methods, which from now on run on this instance. */
  tasksOf<T extends object>(instance: T): TasksOf<T> {
    const tasks: Record<PropertyKey, Task> = {};
    for (const { key, name, method } of this.#decorated.find(instance)) {
      this.#bindMethod(name, instance, method);
      tasks[key] = this.#handle(name);
    }
    if (Reflect.ownKeys(tasks).length === 0) {
      throw new ConfigurationError(
        `app.tasksOf: ${instance.constructor?.name ?? 'the object'} has no method decorated with @app.task of this app`,
      );
    }
    return tasks as TasksOf<T>;
  }

  /** A typed stub of a task that is defined elsewhere: it can be called, not run here. */
  remote<S extends ArgsSchema, R extends ReturnsSchema = undefined>(
    name: string,
    options: Omit<TaskOptions, 'name'> & { readonly args: S; readonly returns?: R },
  ): Task<HandlerArgs<S>, ResultOf<R, unknown>, CallArgs<S>>;
  remote<Shape extends (...args: never[]) => unknown>(
    name: string,
    options?: Omit<TaskOptions, 'name'>,
  ): Task<Parameters<Shape>, Awaited<ReturnType<Shape>>>;
  remote(name: string, options: Omit<TaskOptions, 'name'> = {}): unknown {
    const definition = defineTask({ ...options, name }, undefined, this.#runtime.plugins.taskOptions);
    this.#runtime.remotes.add(name);
    return createTask(name, () => definition, this.#sender);
  }

  /** Sends a call by task name, untyped: for tasks of other services. A task of this app keeps its options and schemas. */
  sendTask(name: string, args: readonly unknown[] = [], options?: CallOptions): Promise<AsyncResult> {
    if (!hasCallbacks(options)) return this.#runtime.producer.send(this.#definitionOf(name), args, options);
    return new TaskSignature({ task: name, args }, this.#sender.canvas).applyAsync([], options);
  }

  /** A signature, chain, group or chord from its JSON. */
  signature<In extends readonly unknown[] = readonly unknown[], Out = unknown>(data: CanvasData): Signature<In, Out> {
    return parseCanvas(data, this.#sender.canvas);
  }

  /** The result of a group that was sent from any process: its id is all it takes. */
  groupResult<T = unknown>(id: string): GroupResult<T> {
    if (!isName(id)) throw new ConfigurationError('app.groupResult(id): the id is a non-empty, well-formed string');
    return new GroupResult<T>({ id, notifiesThisProcess: false }, this.#runtime.results);
  }

  /**
   * Sends with a database's transaction (of pg, postgres.js, Drizzle, Kysely, Prisma or TypeORM): calls become rows in it, and a relay hands
   * them to the broker once it is committed. Needs `@lovage/postgres`, its tables there, and `lovage relay`. Throws {@link ConfigurationError}.
   */
  outbox(tx: object, options?: OutboxOptions): Outbox {
    return createOutbox(this.#runtime, tx, options);
  }

  /** The result of a task that was sent from any process. */
  asyncResult<T = unknown>(id: string): AsyncResult<T> {
    if (!isName(id)) throw new ConfigurationError('app.asyncResult(id): the id is a non-empty, well-formed string');
    return new AsyncResult<T>({ id, notifiesThisProcess: false }, this.#runtime.results);
  }

  /**
   * Declares a periodic entry; a beat (`startBeat`, `lovage beat`) fires it, each slot once however many beats run.
   * Throws {@link ConfigurationError} for what cannot be.
   */
  schedule(name: string, when: ScheduleTime, signature: Schedulable, options?: ScheduleOptions): void {
    this.#runtime.schedules.add(name, when, signature, options);
  }

  /**
   * Publishes to a topic: live subscribers hear it at most once, and a task is sent for each durable subscription, at
   * least once. Throws {@link TopicValidationError}, {@link PayloadTooLargeError}, {@link PayloadNotSerializableError},
   * {@link ConfigurationError} (nothing was sent), {@link BrokerUnavailableError}.
   */
  publish<T>(topic: string | Topic<T>, payload: NoInfer<T>, options?: PublishOptions): Promise<Published> {
    return this.topics.publish(topic, payload, options);
  }

  /**
   * Sends a call to every worker that consumes a broadcast queue (`conf.broadcastQueues`) now: each runs it once. Throws
   * as {@link Task.applyAsync} does, before anything is sent.
   */
  broadcast<Args extends readonly unknown[], R>(
    task: string | BroadcastTask<Args, R>,
    args: NoInfer<Args>,
    options: BroadcastOptions,
  ): Promise<BroadcastResult<R>> {
    const name = typeof task === 'string' ? task : task.name;
    return this.#runtime.broadcaster.send(name, args, options) as Promise<BroadcastResult<R>>;
  }

  /**
   * Hears what is published to a topic, or to those of a pattern (`order.*`), from now on: at most once, one at a time and
   * in order. Resolves when it listens. Throws {@link ConfigurationError}, {@link NotSupportedError}.
   */
  subscribe<T = unknown>(pattern: string | Topic<T>, handler: TopicHandler<NoInfer<T>>): Promise<Subscription> {
    return this.topics.subscribe(pattern as string | Topic, handler as TopicHandler<never>);
  }

  /**
   * Declares a durable subscription: for each message of the topic one call of `task` with payload and message, whoever
   * listens now. Publishers know it once a worker of this app has started. Throws {@link ConfigurationError}.
   */
  subscription<T = unknown>(
    group: string,
    pattern: string | Topic<T>,
    task: SubscriberTask<NoInfer<T>>,
    options?: SubscriptionOptions,
  ): void {
    const name = typeof pattern === 'string' ? pattern : pattern.name;
    this.#runtime.topicGroups.declare(group, name, task, options);
  }

  /**
   * Resolves a gate of a canvas: `value` (JSON) flows to its next step. Resolves when that is durable; a gate is decided
   * once, and the same decision again changes nothing. Throws {@link UnknownGateError}, {@link GateDecidedError},
   * {@link PayloadNotSerializableError}, {@link PayloadTooLargeError}.
   */
  resolveGate(id: string, value?: unknown): Promise<void> {
    return this.gates.resolve(id, value);
  }

  /** Ends a gate as failed: with {@link GateRejectedError}, or the error given. Throws as {@link Lovage.resolveGate} does. */
  rejectGate(id: string, reason: string | Error): Promise<void> {
    return this.gates.reject(id, reason);
  }

  /**
   * Takes a named lock, or several at once (in sorted order: no two callers can wait for each other). Not re-entrant.
   * Throws {@link LockTimeoutError} after `wait`, {@link NotSupportedError}, {@link BrokerUnavailableError}.
   */
  lock(names: string | readonly string[], options?: LockOptions): Promise<Lock> {
    const { clock, leases } = this.#runtime;
    return takeLock({ clock, queue: leases }, names, options);
  }

  /** Stands for the leadership of that name: of all processes that do, one leads at a time. Ends with the app. */
  elect(name: string, options: ElectionOptions): Election {
    const { clock, logger, leases, closers } = this.#runtime;
    return new Election({ clock, logger, queue: leases, closers }, name, options);
  }

  /** Errors of this class thrown by a task come back as themselves from `get()`: same prototype, fields, message and stack. */
  registerError(errorClass: ErrorClass, name?: string): void {
    this.#runtime.errors.register(errorClass, name);
  }

  /**
   * Ends workers, waits and connections of this app within 10 s, also when the store is dead. Calls that were made before get two seconds
   * to be accepted; results that are still awaited
   * reject with {@link ClosedError}. A worker that still runs tasks gets 4 s of its drain, then hands them back: to give them all of it,
   * close the worker first. May be called twice.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { clock, closers, producer, results, stores } = this.#runtime;
    const endsAt = clock.monotonic() + closeDeadline;
    await Promise.allSettled([...closers].map((close) => close()));
    await this.#runtime.workflows.close();
    await producer.calls.idle(clock, Math.min(callsDeadline, endsAt - clock.monotonic()));
    producer.close();
    await results.inbox.close();
    const { longest, shortest } = connectionsDeadline;
    await stores.close(Math.min(longest, Math.max(shortest, endsAt - clock.monotonic() - shortest)));
  }

  #handle(name: string): Task {
    return createTask(name, () => this.#runtime.registry.get(name) as TaskDefinition, this.#sender);
  }

  #bindMethod(name: string, instance: object, method: Handler): void {
    const bound = this.#bound.get(name);
    if (bound === instance) return;
    if (bound !== undefined) throw new DuplicateTaskError(name);
    this.#bound.set(name, instance);
    this.#runtime.registry.bind(name, method.bind(instance));
  }
  #definitionOf(name: string): TaskDefinition {
    return this.#runtime.canvas.definitionOf(name);
  }
}

function readInclude(patterns: readonly string[] = []): readonly string[] {
  const fit = Array.isArray(patterns) && patterns.every((pattern) => typeof pattern === 'string' && pattern !== '');
  if (!fit) throw new ConfigurationError("new Lovage: option include is a list of patterns, such as ['./tasks/*.ts']");
  return [...patterns];
}
