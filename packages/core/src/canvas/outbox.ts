import { ConfigurationError, NoResultBackendError } from '../errors.ts';
import type { Message } from '../message/message.ts';
import type { MessageTemplate, PlanTimes } from '../message/plan.ts';
import { newTaskId } from '../message/task-id.ts';
import { type CallOptions, readTaskId } from '../producer/call-options.ts';
import type { Producer } from '../producer/publish.ts';
import { AsyncResult, type ResultContext } from '../results/async-result.ts';
import { loadPostgres } from '../stores/effects.ts';
import type { TaskDefinition } from '../task/task.ts';
import { keyedId } from '../unique/idempotency.ts';
import { asCall } from './as-call.ts';
import { type AnySignature, Signature } from './signature.ts';
import type { CanvasData } from './signature-data.ts';

/** A task, as `app.outbox(tx).delay` takes it. */
export interface Sendable<Args extends readonly unknown[] = never, Result = unknown> {
  readonly name: string;
  si(...args: Args): Signature<[], Result>;
}

/** Where Lovage's tables are. */
export interface OutboxOptions {
  /** Their schema, in the database of the transaction. @default the app's `prefix`, else `lovage` */
  readonly schema?: string;
}

/**
 * Sends calls with the transaction of a database: they are written into it as rows, and a relay hands them to the broker once it is
 * committed. The broker is not asked, so it may be away.
 */
export interface Outbox {
  /** As `task.delay(...args)`. Throws as that does for what cannot be sent, and as the database does. */
  delay<Args extends readonly unknown[], Result>(
    task: Sendable<Args, Result>,
    ...args: NoInfer<Args>
  ): Promise<AsyncResult<Result>>;
  /** As `task.applyAsync(args, options)`; `countdown` and `expires` count from the moment at which it is relayed. */
  applyAsync<Args extends readonly unknown[], Result>(
    task: Sendable<Args, Result>,
    args: NoInfer<Args>,
    options?: CallOptions,
  ): Promise<AsyncResult<Result>>;
  /** Sends a signature or canvas whose arguments are complete. */
  send<Result>(canvas: Signature<[], Result>, options?: CallOptions): Promise<AsyncResult<Result>>;
  /** Sends many, with one statement for 500. */
  sendMany<Result>(canvases: Iterable<Signature<[], Result>>): Promise<readonly AsyncResult<Result>[]>;
}

/** What a row's body says. */
export type OutboxBody =
  | { readonly kind: 'task'; readonly message: MessageTemplate; readonly times: PlanTimes }
  | { readonly kind: 'canvas'; readonly canvas: CanvasData; readonly options: CallOptions };

interface Entry {
  readonly id: string;
  readonly body: string;
}

interface PostgresOutbox {
  addToOutbox(tx: unknown, schema: string, entries: readonly Entry[]): Promise<void>;
}

/** What an outbox needs of the app. */
export interface OutboxContext {
  readonly producer: Pick<Producer, 'prepare'>;
  readonly results: ResultContext;
  readonly settings: { readonly prefix: string | undefined };
  readonly canvas: { definitionOf(task: string): TaskDefinition };
}

/** The outbox of a transaction. */
export function createOutbox(runtime: OutboxContext, tx: object, { schema }: OutboxOptions = {}): Outbox {
  if ((typeof tx !== 'object' && typeof tx !== 'function') || tx === null)
    throw new ConfigurationError('app.outbox(tx): expected the transaction of a database');
  const table = schema ?? runtime.settings.prefix ?? 'lovage';
  const sendAll = async (
    canvases: readonly AnySignature[],
    options: CallOptions = {},
  ): Promise<readonly AsyncResult[]> => {
    const { addToOutbox } = (await loadPostgres('app.outbox')) as PostgresOutbox;
    const entries: Entry[] = [];
    for (const canvas of canvases) entries.push(await toEntry(runtime, canvas, options));
    await addToOutbox(tx, table, entries);
    return entries.map(({ id }) => new AsyncResult({ id, notifiesThisProcess: false }, runtime.results));
  };
  const send = async (canvas: AnySignature, options?: CallOptions): Promise<AsyncResult<never>> => {
    if (!(canvas instanceof Signature))
      throw new ConfigurationError(
        'app.outbox(tx).send(canvas): expected a signature or canvas: task.si(...), chain(...)',
      );
    return (await sendAll([canvas], options))[0] as AsyncResult<never>;
  };
  return {
    delay: async (task, ...args) => send(signed(task, args)),
    applyAsync: async (task, args, options) => send(signed(task, args), options),
    send,
    sendMany: async (canvases) => (await sendAll([...canvases])) as readonly AsyncResult<never>[],
  };
}

function signed(task: Sendable<never>, args: readonly unknown[]): AnySignature {
  if (typeof task?.si !== 'function')
    throw new ConfigurationError('app.outbox(tx): expected a task; a signature or canvas goes to send()');
  return task.si(...(args as never));
}

async function toEntry(
  { producer, canvas: sender, results }: OutboxContext,
  canvas: AnySignature,
  given: CallOptions,
): Promise<Entry> {
  const plain = asCall(canvas, [], given);
  if (plain === undefined) return toCanvasEntry(canvas, given, results.enabled);
  const { taskId, ...options } = plain.options;
  const definition = plain.definition ?? sender.definitionOf(plain.task);
  const { message, times } = await producer.prepare(definition, plain.args, { options });
  const chosen = taskId === undefined ? keyedId(definition, message.args, options.idempotencyKey) : checked(taskId);
  const body: OutboxBody = { kind: 'task', message: lasting(message), times };
  return { id: chosen ?? newTaskId(), body: JSON.stringify(body) };
}

/** It is resolved when it is relayed: ids of its parts follow from its own. */
function toCanvasEntry(canvas: AnySignature, given: CallOptions, hasResults: boolean): Entry {
  const { taskId = canvas.options.taskId, ...options } = given;
  const id = taskId === undefined ? newTaskId() : checked(taskId);
  if (!hasResults) throw new NoResultBackendError(id);
  if (options.idempotencyKey ?? canvas.options.idempotencyKey)
    throw new ConfigurationError('app.outbox(tx): a canvas takes no idempotencyKey here: give it a taskId');
  const body: OutboxBody = { kind: 'canvas', canvas: canvas.toJSON(), options };
  return { id, body: JSON.stringify(body) };
}

function checked(taskId: string): string {
  return readTaskId(taskId, 'app.outbox(tx): option taskId');
}

/** What is told when it is sent is left out. */
function lasting({ sentAt: _sentAt, eta: _eta, expires: _expires, ...message }: Message): MessageTemplate {
  return message;
}
