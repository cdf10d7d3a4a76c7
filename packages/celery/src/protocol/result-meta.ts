import { hostname } from 'node:os';
import type { JsonValue, OutcomeRecord } from '@lovage/core/driver';
import { exceptionOf, failureOf, revokedException } from './exception.ts';
import { toIsoTime } from './iso-time.ts';
import { type Fields, isFields } from './json-schema.ts';
import { parsePythonJson } from './python-json.ts';
import { mayHoldTags, untag } from './tagged-values.ts';

/** `[[id, parent], children]`: a result as Celery writes one into another's children. */
export type ResultTuple = readonly [readonly [string, JsonValue], JsonValue];

/** What a record does not say and its meta does. */
export interface MetaExtras {
  readonly children?: readonly ResultTuple[];
  readonly groupId?: string;
  readonly queue?: string;
}

const readyStates = new Set(['SUCCESS', 'FAILURE', 'REVOKED']);

/** The text of `celery-task-meta-<id>` for a record; always with a `result`, whose absence is a KeyError in Python. */
export function writeMeta(record: OutcomeRecord, { children = [], groupId, queue }: MetaExtras = {}): string {
  const { state, at, id, task, worker, attempts, parentId } = record;
  return JSON.stringify({
    status: state,
    result: resultOf(record),
    traceback: tracebackOf(record),
    children,
    date_done: readyStates.has(state) ? toIsoTime(at) : null,
    ...(groupId === undefined ? {} : { group_id: groupId }),
    ...(parentId === undefined ? {} : { parent_id: parentId }),
    ...(record.progress === undefined ? {} : { progress: record.progress }),
    ...(task === '' ? {} : { name: task }),
    ...(worker === undefined ? {} : { worker }),
    ...(queue === undefined ? {} : { queue }),
    retries: Math.max(0, attempts - 1),
    task_id: id,
  });
}

function resultOf(record: OutcomeRecord): JsonValue {
  const { state, value, failure, reason, meta } = record;
  if (state === 'SUCCESS') return value ?? null;
  if (state === 'REVOKED') return failure ? exceptionOf(failure) : revokedException(reason ?? 'revoked');
  if (failure) return exceptionOf(failure);
  if (state === 'FAILURE') return { exc_type: 'Error', exc_message: ['the task failed'], exc_module: 'lovage' };
  if (meta !== undefined) return meta;
  return state === 'STARTED' ? { pid: process.pid, hostname: record.worker ?? hostname() } : null;
}

function tracebackOf({ failure }: OutcomeRecord): string | null {
  if (failure === undefined) return null;
  return failure.stack ?? `${failure.name}: ${failure.message}`;
}

/** The record of a task that somebody stored; undefined for what is no meta of Celery's. */
export function readMeta(text: string): OutcomeRecord | undefined {
  const meta = parseMeta(text);
  if (meta === undefined) return undefined;
  const { task_id: id, status } = meta;
  if (typeof id !== 'string' || typeof status !== 'string') return undefined;
  const record: { -readonly [K in keyof OutcomeRecord]: OutcomeRecord[K] } = {
    id,
    task: typeof meta.name === 'string' ? meta.name : '',
    state: status as OutcomeRecord['state'], // any text may be a state: update_state
    attempts: typeof meta.retries === 'number' ? meta.retries + 1 : 1,
    at: typeof meta.date_done === 'string' ? Date.parse(zoned(meta.date_done)) || 0 : 0,
  };
  addResult(record, meta);
  if (typeof meta.worker === 'string') record.worker = meta.worker;
  if (typeof meta.parent_id === 'string') record.parentId = meta.parent_id;
  if (meta.progress !== undefined) record.progress = meta.progress;
  return record;
}

function parseMeta(text: string): Fields | undefined {
  try {
    const parsed = parsePythonJson(text);
    const plain = mayHoldTags(text) ? untag(parsed) : parsed;
    return isFields(plain) ? plain : undefined;
  } catch {
    return undefined;
  }
}

function addResult(record: { -readonly [K in keyof OutcomeRecord]: OutcomeRecord[K] }, meta: Fields): void {
  const { result, traceback } = meta;
  if (record.state === 'SUCCESS') record.value = result ?? null;
  else if (record.state === 'FAILURE' || record.state === 'RETRY') record.failure = failureOf(result, traceback);
  else if (record.state === 'REVOKED') record.reason = failureOf(result, undefined).message || 'revoked';
  else if (result !== null && result !== undefined) record.meta = result;
}

/** 5.2 writes UTC without saying so. */
function zoned(text: string): string {
  return /Z|[+-]\d\d:?\d\d$/.test(text) ? text : `${text}Z`;
}
