import { hostname } from 'node:os';
import type { JsonValue, Message } from '@lovage/core/driver';
import { type CeleryCall, emptyEmbed } from '../protocol/celery-call.ts';
import { toIsoTime } from '../protocol/iso-time.ts';
import type { Fields } from '../protocol/json-schema.ts';
import { pythonRepr, tupleRepr } from '../protocol/python-repr.ts';
import { ownHeader, ownHeaderOf } from './own-header.ts';

const origin = `gen${process.pid}@${hostname()}`;

/** How a message is written. */
export interface CallStyle {
  /** Lovage's priority as the transport's. */
  readonly priority: (own: number) => number;
  readonly embed?: Fields;
}

/** The call of Celery's that a message of ours is. */
export function toCall(message: Message, { priority, embed = emptyEmbed }: CallStyle): CeleryCall {
  return {
    id: message.id,
    queue: message.queue,
    headers: headersOf(message),
    args: message.args,
    kwargs: message.kwargs ?? {},
    embed,
    properties: {
      correlation_id: message.id,
      reply_to: message.replyTo ?? '',
      delivery_mode: 2,
      priority: priority(message.priority),
    },
  };
}

/** Every header that Celery 5.6 writes, in its order, so that tools find what they look for. */
function headersOf(message: Message): Fields {
  const { id, stamps } = message;
  const own = ownHeaderOf(message);
  return {
    ...message.headers,
    lang: 'js',
    task: message.task,
    id,
    shadow: null,
    eta: message.eta === undefined ? null : toIsoTime(message.eta),
    expires: message.expires === undefined ? null : toIsoTime(message.expires),
    group: message.groupId ?? null,
    group_index: message.groupIndex ?? null,
    retries: message.retries,
    timelimit: [seconds(message.timeLimit), seconds(message.softTimeLimit)],
    root_id: message.rootId ?? id,
    parent_id: message.parentId ?? null,
    argsrepr: tupleRepr(message.args),
    kwargsrepr: pythonRepr(message.kwargs ?? {}),
    origin,
    ignore_result: message.ignoreResult ?? false,
    replaced_task_nesting: 0,
    stamped_headers: stamps ? Object.keys(stamps) : null,
    stamps: stamps ?? {},
    ...(own ? { [ownHeader]: own } : {}),
  };
}

const seconds = (ms: number | undefined): JsonValue => (ms === undefined ? null : ms / 1000);

/** Celery's headers, properties and embedded signatures of a delivery, changed where its message was: for a retry. */
export function retryCall(first: CeleryCall, message: Message): CeleryCall {
  const own = ownHeaderOf(message);
  const { [ownHeader]: _past, redelivered: _again, ...headers } = first.headers;
  return {
    ...first,
    headers: {
      ...headers,
      retries: message.retries,
      eta: message.eta === undefined ? null : toIsoTime(message.eta),
      ...(own ? { [ownHeader]: own } : {}),
    },
    ...argsOf(first, message),
  };
}

/** Its own arguments, unless the handler asked for others; those of `map` lie in the keyword arguments. */
function argsOf(first: CeleryCall, message: Message): Pick<CeleryCall, 'args' | 'kwargs'> {
  if (message.canvas?.each) return first;
  return { args: message.args, kwargs: message.kwargs ?? {} };
}
