import type { JsonValue } from '@lovage/core/driver';
import { exceptionOf, exceptionRepr } from '../protocol/exception.ts';
import { toIsoTime } from '../protocol/iso-time.ts';
import { type Fields, isFields } from '../protocol/json-schema.ts';
import { pythonRepr, tupleRepr } from '../protocol/python-repr.ts';
import type { HeldTask } from '../worker/held-task.ts';

/** An event of ours, as the bus carries it. */
type Event = Fields & { readonly type?: JsonValue };

/** What goes into Celery's event of a kind, beside what every event has. */
const outgoing: Readonly<Record<string, (event: Event, held: HeldTask | undefined) => Fields>> = {
  'task.sent': (event) => ({
    ...callOf(event, undefined),
    queue: event.queue ?? '',
    exchange: '',
    routing_key: event.queue ?? '',
  }),
  'task.received': callOf,
  'task.started': () => ({}),
  'task.succeeded': (event, held) => ({ result: pythonRepr(held?.value ?? null), runtime: secondsOf(event.runtime) }),
  'task.failed': failedOf,
  'task.retried': failedOf,
  'task.revoked': ({ reason }) => ({
    terminated: reason === 'terminated',
    signum: reason === 'terminated' ? 15 : null,
    expired: reason === 'expired',
  }),
  'task.rejected': ({ requeued }) => ({ requeue: requeued ?? false }),
  'task.progress': ({ progress }) => ({ progress: progress ?? null }),
};

const secondsOf = (ms: JsonValue | undefined): number => (typeof ms === 'number' ? ms / 1_000 : 0);

function callOf(event: Event, held: HeldTask | undefined): Fields {
  const { args = [], kwargs = {} } = held?.task ?? {};
  const { retries = 0, eta, expires } = held?.message ?? {};
  return {
    name: event.task ?? '',
    args: tupleRepr(args),
    kwargs: pythonRepr(kwargs),
    root_id: event.rootId ?? event.id ?? null,
    parent_id: event.parentId ?? null,
    retries,
    eta: eta === undefined ? null : toIsoTime(eta),
    expires: expires === undefined ? null : toIsoTime(expires),
  };
}

function failedOf({ failure }: Event): Fields {
  const { name, message } = isFields(failure) ? failure : {};
  const exception = exceptionOf({ name: String(name ?? 'Error'), message: String(message ?? '') });
  return { exception: exceptionRepr(exception, pythonRepr), traceback: `${String(name)}: ${String(message)}` };
}

/** What every event of Celery's has. */
export interface EventBase {
  readonly hostname: string;
  readonly clock: number;
}

/** Celery's event for one of ours; undefined for what it has none of, and for those of workers, which nodes send themselves. */
export function toCeleryEvent(event: Event, held: HeldTask | undefined, base: EventBase): Fields | undefined {
  const kind = String(event.type);
  const fields = Object.hasOwn(outgoing, kind) ? outgoing[kind] : undefined;
  if (fields === undefined) return undefined;
  return {
    hostname: typeof event.worker === 'string' ? event.worker : base.hostname,
    utcoffset: 0,
    pid: process.pid,
    clock: base.clock,
    uuid: event.id ?? '',
    ...fields(event, held),
    timestamp: secondsOf(event.at),
    type: kind.replace('.', '-'),
  };
}

const mostNames = 10_000;

/** Reads Celery's events as ours. Only `task-received` and `task-sent` name the task: names are remembered. */
export class EventReader {
  readonly #known = new Map<string, { readonly task: string; readonly queue: string; readonly attempt: number }>();

  read(input: JsonValue): readonly Fields[] {
    const list = Array.isArray(input) ? (input as readonly JsonValue[]) : [input];
    return list.flatMap((event) => (isFields(event) ? (this.#event(event) ?? []) : []));
  }

  #event(event: Fields): Fields[] | undefined {
    const kind = String(event.type ?? '');
    const at = typeof event.timestamp === 'number' ? Math.round(event.timestamp * 1_000) : Date.now();
    const type = kind.replace('-', '.');
    const worker = String(event.hostname ?? '');
    if (kind.startsWith('worker-')) return [{ type, at, worker, ...workerFields(kind, event) }];
    if (!kind.startsWith('task-') || typeof event.uuid !== 'string') return undefined;
    this.#note(event.uuid, event);
    const known = this.#known.get(event.uuid) ?? { task: '', queue: '', attempt: 1 };
    const base = {
      type,
      at,
      ...(kind === 'task-sent' ? {} : { worker }),
      id: event.uuid,
      task: known.task,
      queue: known.queue,
    };
    return [{ ...base, ...lineage(event), ...taskFields(kind, event, known.attempt) }];
  }

  #note(id: string, { name, retries, queue, routing_key: key }: Fields): void {
    if (typeof name !== 'string') return;
    const attempt = typeof retries === 'number' ? retries + 1 : 1;
    this.#known.set(id, { task: name, queue: String(queue ?? key ?? this.#known.get(id)?.queue ?? ''), attempt });
    if (this.#known.size > mostNames) this.#known.delete(this.#known.keys().next().value as string);
  }
}

function lineage({ root_id: root, parent_id: parent }: Fields): Fields {
  return {
    ...(typeof root === 'string' ? { rootId: root } : {}),
    ...(typeof parent === 'string' ? { parentId: parent } : {}),
  };
}

function taskFields(kind: string, event: Fields, attempt: number): Fields {
  const runtime = typeof event.runtime === 'number' ? Math.round(event.runtime * 1_000) : 0;
  const [, name = 'Error', message = ''] = /^([\w.]+)\((.*)\)$/s.exec(String(event.exception ?? '')) ?? [];
  switch (kind) {
    case 'task-started':
      return { attempt };
    case 'task-succeeded':
      return { attempt, runtime };
    case 'task-failed':
      return { attempt, runtime, failure: { name, message } };
    case 'task-retried':
      return { attempt, retryAt: Date.now(), failure: { name, message } };
    case 'task-revoked':
      return { reason: event.expired === true ? 'expired' : event.terminated === true ? 'terminated' : 'revoked' };
    case 'task-rejected':
      return { requeued: event.requeue === true, reason: '' };
    case 'task-progress':
      return { progress: event.progress ?? null };
    default:
      return {};
  }
}

function workerFields(kind: string, { pid = 0, active = 0, processed = 0 }: Fields): Fields {
  const base = { app: 'celery', pid, queues: [], slots: 0 };
  if (kind !== 'worker-heartbeat') return base;
  return { ...base, running: active, succeeded: processed, failed: 0, retried: 0, loopLag: 0 };
}
