import { type JsonValue, MalformedMessageError, type Message, messageVersion, parseMessage } from '@lovage/core/driver';
import { type CeleryTask, countHeader, stampsOf, textHeader } from '../protocol/celery-task.ts';
import { fromIsoTime } from '../protocol/iso-time.ts';
import type { Fields } from '../protocol/json-schema.ts';
import { parseSignature } from '../protocol/signature.ts';
import { ownHeader, readOwnHeader } from './own-header.ts';

/** Where a message was found, and how its priority reads. */
export interface Origin {
  readonly queue: string;
  readonly now: number;
  /** The priority of the transport as Lovage's, higher sooner. */
  readonly priority: (wire: number) => number;
}

/** Celery's own headers; the rest are the caller's. */
const celeryHeaders = new Set(
  'lang task id shadow eta expires group group_index retries timelimit root_id parent_id argsrepr kwargsrepr origin ignore_result replaced_task_nesting stamped_headers stamps compression redelivered'.split(
    ' ',
  ),
);

/** Tasks of Celery's that run another task for each of a list of arguments. */
const eachTasks: Readonly<Record<string, (item: JsonValue) => readonly JsonValue[]>> = {
  'celery.map': (item) => [item],
  'celery.starmap': (item) => (Array.isArray(item) ? item : [item]),
};

/** The message that a worker is given for a task of Celery's. Throws {@link MalformedMessageError}. */
export function toMessage(task: CeleryTask, origin: Origin): Message {
  return parseMessage({ ...timesOf(task), ...callOf(task), ...placeOf(task, origin), ...readOwnHeader(task.headers) });
}

function callOf(task: CeleryTask): Pick<Message, 'v' | 'id' | 'task' | 'args' | 'kwargs' | 'canvas'> {
  const each = Object.hasOwn(eachTasks, task.task) ? eachTasks[task.task] : undefined;
  const inner = each && parseSignature(task.kwargs.task);
  const { it } = task.kwargs;
  if (each && inner && Array.isArray(it)) {
    const args = (it as readonly JsonValue[]).map((item) => [...inner.args, ...each(item)]);
    return { v: messageVersion, id: task.id, task: inner.task, args, canvas: { each: true } };
  }
  const named = Object.keys(task.kwargs).length > 0 ? { kwargs: task.kwargs } : {};
  return { v: messageVersion, id: task.id, task: task.task, args: task.args, ...named };
}

function placeOf({ headers, properties }: CeleryTask, { queue, now, priority }: Origin): Partial<Message> {
  const stamps = stampsOf(headers);
  const own = callerHeaders(headers, stamps);
  return {
    queue,
    priority: priority(typeof properties.priority === 'number' ? properties.priority : 0),
    retries: countHeader(headers, 'retries') ?? 0,
    sentAt: now,
    ...textField('rootId', headers, 'root_id'),
    ...textField('parentId', headers, 'parent_id'),
    ...textField('groupId', headers, 'group'),
    ...(countHeader(headers, 'group_index') === undefined ? {} : { groupIndex: headers.group_index as number }),
    ...(headers.ignore_result === true ? { ignoreResult: true } : {}),
    ...(stamps ? { stamps } : {}),
    ...(own ? { headers: own } : {}),
    ...textField('replyTo', properties, 'reply_to'),
  };
}

function textField(field: keyof Message, from: Fields, name: string): Partial<Message> {
  const value = textHeader(from, name);
  return value === undefined ? {} : { [field]: value };
}

function timesOf({ headers }: CeleryTask): Partial<Message> {
  const eta = momentOf(headers, 'eta');
  const expires = momentOf(headers, 'expires');
  const [hard, soft] = Array.isArray(headers.timelimit) ? (headers.timelimit as readonly JsonValue[]) : [];
  return {
    ...(eta === undefined ? {} : { eta }),
    ...(expires === undefined ? {} : { expires }),
    ...(typeof hard === 'number' && hard > 0 ? { timeLimit: Math.ceil(hard * 1000) } : {}),
    ...(typeof soft === 'number' && soft > 0 ? { softTimeLimit: Math.ceil(soft * 1000) } : {}),
  };
}

/** Celery drops a message whose moment it cannot read, and its waiter waits for ever: here it is parked, and its waiter is told. */
function momentOf(headers: Fields, name: 'eta' | 'expires'): number | undefined {
  const value = headers[name];
  if (value === undefined || value === null) return undefined;
  const at = typeof value === 'string' ? fromIsoTime(value) : undefined;
  if (at !== undefined) return at;
  throw new MalformedMessageError(`its header ${name} is ${JSON.stringify(value)}: expected a moment in ISO 8601`);
}

function callerHeaders(headers: Fields, stamps: Fields | undefined): Fields | undefined {
  const own = Object.entries(headers).filter(
    ([name]) => !celeryHeaders.has(name) && name !== ownHeader && !(stamps && name in stamps),
  );
  return own.length > 0 ? Object.fromEntries(own) : undefined;
}
