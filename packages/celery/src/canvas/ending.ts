import { randomUUID } from 'node:crypto';
import type { JsonValue, OutcomeRecord } from '@lovage/core/driver';
import type { CeleryCall } from '../protocol/celery-call.ts';
import type { CeleryTask } from '../protocol/celery-task.ts';
import { exceptionOf, exceptionRepr, revokedException } from '../protocol/exception.ts';
import type { Fields } from '../protocol/json-schema.ts';
import { pythonRepr } from '../protocol/python-repr.ts';
import type { ResultTuple } from '../protocol/result-meta.ts';
import { type CelerySignature, parseSignature, textOption } from '../protocol/signature.ts';
import { type ApplyContext, applySignature, type ChordSize } from './apply.ts';

/** A part of a chord that has ended. */
export interface ChordPart {
  readonly groupId: string;
  readonly index: number | null;
  readonly taskId: string;
  readonly state: string;
  readonly result: JsonValue;
  readonly body: CelerySignature;
}

/** What is to be done when a task has ended: messages sent, others ended, parts of chords told. */
export interface Ending {
  readonly calls: readonly CeleryCall[];
  readonly sizes: readonly ChordSize[];
  readonly children: readonly ResultTuple[];
  /** Later steps that end as this task did, since they will not be sent. */
  readonly ended: readonly OutcomeRecord[];
  readonly parts: readonly ChordPart[];
}

/** What the worker knows beside the task. */
export type EndContext = Pick<ApplyContext, 'defaultQueue' | 'now' | 'replyTo'>;

/** Works out what follows a task, as Celery's tracer and `mark_as_failure` do. It sends nothing. */
export function endingOf(task: CeleryTask, record: OutcomeRecord, context: EndContext): Ending {
  return record.state === 'SUCCESS' ? succeeded(task, record, context) : failed(task, record, context);
}

function succeeded(task: CeleryTask, record: OutcomeRecord, context: EndContext): Ending {
  const { callbacks, chain } = task.embed;
  const value = record.value ?? null;
  const apply: ApplyContext = { ...applyContext(task, context), input: [value] };
  const sent = callbacks.map((callback) => applySignature(callback, apply));
  const rest = [...chain];
  const next = rest.pop();
  if (next) sent.push(applySignature(next, { ...apply, chain: rest }));
  return {
    calls: sent.flatMap(({ calls }) => calls),
    sizes: sent.flatMap(({ sizes }) => sizes),
    children: sent.map(({ result }) => result),
    ended: [],
    parts: partsOf(task, { id: task.id, state: 'SUCCESS', result: value }),
  };
}

function applyContext({ id, headers }: CeleryTask, context: EndContext): ApplyContext {
  const { root_id: root, stamped_headers: names, stamps } = headers;
  const stamped = Array.isArray(names) && names.length > 0;
  return {
    ...context,
    rootId: typeof root === 'string' && root !== '' ? root : id,
    parentId: id,
    ...(stamped ? { inherited: { stamped_headers: names, ...(stamps as Fields) } } : {}),
  };
}

/** The errbacks hear of it, the steps behind it end as it did, and chords that wait for any of them are told. */
function failed(task: CeleryTask, record: OutcomeRecord, context: EndContext): Ending {
  const { errbacks, chain } = task.embed;
  const exception = exceptionIn(record);
  const apply: ApplyContext = { ...applyContext(task, context), input: [task.id] };
  const sent = errbacks.map((errback) => applySignature(errback, apply));
  const ended: OutcomeRecord[] = [];
  const parts = [...partsOf(task, { id: task.id, state: record.state, result: exception })];
  for (const step of [...chain].reverse()) {
    const end = endOf(step);
    const id = textOption(end, 'task_id');
    if (id !== undefined) ended.push({ ...record, id, task: end.task, parentId: task.id });
    const body = parseSignature(end.options.chord);
    if (body !== undefined && id !== undefined)
      parts.push(partOf(end, body, { id, state: record.state, result: exception }));
  }
  return {
    calls: sent.flatMap(({ calls }) => calls),
    sizes: sent.flatMap(({ sizes }) => sizes),
    children: errbacksOf(
      task,
      sent.map(({ result }) => result),
    ),
    ended,
    parts,
  };
}

/** Errbacks are one child, a group, as Celery sends them: `result.children[0].children` are theirs. */
function errbacksOf({ id }: CeleryTask, sent: readonly ResultTuple[]): readonly ResultTuple[] {
  return sent.length === 0 ? [] : [[[randomUUID(), [[id, null], null]], sent as unknown as JsonValue]];
}

/** The task whose id a step's value is found under: of a chord its body. */
function endOf(step: CelerySignature): CelerySignature {
  const body = step.subtask_type === 'chord' ? parseSignature(step.kwargs.body) : undefined;
  if (body === undefined) return step;
  return { ...body, options: { ...step.options, ...body.options } };
}

interface PartEnd {
  readonly id: string;
  readonly state: string;
  readonly result: JsonValue;
}

function partsOf({ embed, headers }: CeleryTask, end: PartEnd): readonly ChordPart[] {
  const { group, group_index: index } = headers;
  if (embed.chord === undefined || typeof group !== 'string' || embed.chain.length > 0) return [];
  const at = typeof index === 'number' ? index : null;
  return [{ groupId: group, index: at, taskId: end.id, state: end.state, result: end.result, body: embed.chord }];
}

function partOf(step: CelerySignature, body: CelerySignature, end: PartEnd): ChordPart {
  const { group_index: index } = step.options;
  return {
    groupId: textOption(step, 'group_id') ?? '',
    index: typeof index === 'number' ? index : null,
    taskId: end.id,
    state: end.state,
    result: end.result,
    body,
  };
}

/** The exception of a record that did not succeed, as its meta has it. */
export function exceptionIn({ failure, reason }: OutcomeRecord): Fields {
  return failure ? exceptionOf(failure) : revokedException(reason ?? 'revoked');
}

/** What a member that failed says of itself to the body: `Dependency <id> raised ValueError('bad')`. */
export function dependencyError(taskId: string, exception: Fields): string {
  return `Dependency ${taskId} raised ${exceptionRepr(exception, pythonRepr)}`;
}
