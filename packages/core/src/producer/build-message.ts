import type { Clock } from '../clock.ts';
import { blockedUntil } from '../driver/broker.ts';
import { ConfigurationError } from '../errors.ts';
import type { JsonValue } from '../message/json.ts';
import { type Message, messageVersion } from '../message/message.ts';
import { newTaskId } from '../message/task-id.ts';
import type { Router } from '../task/route.ts';
import type { TaskDefinition } from '../task/task.ts';
import { sendingTask } from '../task/task-context.ts';
import { keyedId } from '../unique/idempotency.ts';
import { noCallOptions, type ResolvedCallOptions } from './call-options.ts';

/** What all messages of one app share. */
export interface BuildContext {
  readonly clock: Clock;
  readonly router: Router;
  readonly defaultQueue: string;
  /** This process's inbox; undefined where the app stores no results. */
  readonly replyTo: string | undefined;
  /** Queues that take broadcasts only. */
  readonly broadcastQueues: ReadonlySet<string>;
  /** How many milliseconds the broker's clock is ahead; for calls with a time of their own. */
  readonly ahead?: number;
  /** The deadline of this call, by the broker's clock. */
  readonly deadline?: number;
}

type Draft = { -readonly [K in keyof Message]: Message[K] };

/** The message of one call: call option > task option > routing rule > app default. Fields that say nothing are left out. */
export function buildMessage(
  definition: TaskDefinition,
  args: readonly JsonValue[],
  call: ResolvedCallOptions,
  context: BuildContext,
): Message {
  const { options, name } = definition;
  const now = context.clock.now();
  const placed = call.queue ?? options.queue;
  const route = placed === undefined ? context.router({ task: name, args }) : undefined;
  const given = call.taskId ?? idByKey(definition, args, call);
  const message: Draft = {
    v: messageVersion,
    id: given ?? newTaskId(now),
    task: name,
    args,
    queue: placed ?? route?.queue ?? context.defaultQueue,
    priority: call.priority ?? options.priority ?? route?.priority ?? 0,
    retries: 0,
    sentAt: now,
  };
  if (context.broadcastQueues.size > 0) assertOrdinary(message.queue, name, context.broadcastQueues);
  if (given) message.mayRepeat = true; // not for a step of a canvas, which has no name yet
  addTimes(message, definition, call, now + (context.ahead ?? 0));
  if (context.deadline !== undefined) message.deadline = context.deadline;
  addReply(message, definition, call, context);
  addTags(message, definition, call);
  if (call !== noCallOptions) addCallFields(message, call);
  if (options.version !== undefined) message.version = options.version;
  addLineage(message);
  return message;
}

function idByKey(
  definition: TaskDefinition,
  args: readonly JsonValue[],
  call: ResolvedCallOptions,
): string | undefined {
  if (call.idempotencyKey === undefined && definition.options.idempotencyKey === undefined) return undefined;
  return keyedId(definition, args, call.idempotencyKey);
}

/** `now` is the broker's: a moment is told by the clock that will be asked whether it has come. */
function addTimes(message: Draft, { options, name }: TaskDefinition, call: ResolvedCallOptions, now: number): void {
  const eta = call.eta ?? (call.countdown ? now + call.countdown : undefined);
  if (eta !== undefined && eta >= blockedUntil) {
    const option = call.eta === undefined ? 'countdown' : 'eta';
    throw new ConfigurationError(
      `call of "${name}": ${option}: expected a moment before ${new Date(blockedUntil).toISOString()}`,
    );
  }
  if (eta !== undefined) message.eta = eta;
  if (call.expires !== undefined) message.expires = 'at' in call.expires ? call.expires.at : now + call.expires.after;
  else if (options.expires !== undefined) message.expires = now + options.expires;
  if (eta !== undefined && message.expires !== undefined && message.expires <= eta) throw expiresFirst(name, call);
}

/** Nobody means a call that can never run. */
function expiresFirst(name: string, call: ResolvedCallOptions): ConfigurationError {
  const start = call.eta === undefined ? 'countdown' : 'eta';
  const end = call.expires === undefined ? "the task's option expires" : 'expires';
  return new ConfigurationError(
    `call of "${name}": ${end} comes before ${start}, so it could never run: let it start sooner, or expire later`,
  );
}

function addReply(message: Draft, { options }: TaskDefinition, call: ResolvedCallOptions, context: BuildContext): void {
  if (call.ignoreResult ?? options.ignoreResult) message.ignoreResult = true;
  else if (context.replyTo !== undefined) message.replyTo = context.replyTo;
}

const callFields = [
  'kwargs',
  'maxRetries',
  'resultExpires',
  'timeLimit',
  'softTimeLimit',
  'headers',
  'stamps',
] as const;

function addTags(message: Draft, { options }: TaskDefinition, { tags }: ResolvedCallOptions): void {
  if (options.tags ?? tags) message.tags = [...new Set([...(options.tags ?? []), ...(tags ?? [])])];
}

function addCallFields(message: Draft, call: ResolvedCallOptions): void {
  for (const field of callFields) {
    if (call[field] !== undefined) message[field] = call[field] as never; // one field, one type on both sides
  }
}

/** A task sent from inside a task has it as parent, and its root as root. */
function addLineage(message: Draft): void {
  const caller = sendingTask();
  if (caller === undefined) return;
  message.parentId = caller.id;
  message.rootId = caller.rootId;
}

/** A call in a broadcast queue would wait for ever: its workers consume queues of their own. */
function assertOrdinary(queue: string, task: string, broadcastQueues: ReadonlySet<string>): void {
  if (!broadcastQueues.has(queue)) return;
  throw new ConfigurationError(`call of "${task}": "${queue}" is a broadcast queue: send to it with app.broadcast`);
}
