import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { JsonValue } from '@lovage/core/driver';
import type { CeleryCall } from '../protocol/celery-call.ts';
import { fromIsoTime, toIsoTime } from '../protocol/iso-time.ts';
import { type Fields, isFields } from '../protocol/json-schema.ts';
import { pythonRepr, tupleRepr } from '../protocol/python-repr.ts';
import type { ResultTuple } from '../protocol/result-meta.ts';
import {
  type CelerySignature,
  parseSignature,
  signaturesIn,
  signatureToJson,
  textOption,
  withOptions,
} from '../protocol/signature.ts';
import { type ChordMark, markEnds } from './leaves.ts';
import { chordOf, flatSteps, joined, membersOf } from './normalize.ts';
import { queueOf } from './queue-of.ts';

/** What sending a signature takes beside it. */
export interface ApplyContext {
  /** Becomes the first argument of what is not immutable. */
  readonly input?: readonly JsonValue[];
  readonly rootId?: string | undefined;
  readonly parentId?: string | undefined;
  readonly replyTo?: string | undefined;
  /** What follows it, last step first, as a message carries it. */
  readonly chain?: readonly CelerySignature[];
  /** What signatures without a queue of their own go to. */
  readonly defaultQueue: string;
  readonly now: number;
  /** Stamps and the like that every message of a canvas carries. */
  readonly inherited?: Fields;
}

/** How many ends a chord's header has. */
export interface ChordSize {
  readonly groupId: string;
  readonly size: number;
}

/** What sending a signature comes to: messages, and the sizes of chords, which are told first. */
export interface Applied {
  readonly calls: readonly CeleryCall[];
  readonly sizes: readonly ChordSize[];
  /** What was sent, as a child of whoever sent it. */
  readonly result: ResultTuple;
}

const origin = `gen${process.pid}@${hostname()}`;

/** Turns a signature into the messages that start it, as Celery's `apply_async` does. */
export function applySignature(signature: CelerySignature, context: ApplyContext): Applied {
  switch (signature.subtask_type) {
    case 'chain':
      return applyChain(signature, context);
    case 'group':
      return applyGroup(signature, context);
    case 'chord':
      return applyChord(signature, context);
    case 'chunks':
      return applyGroup(chunked(signature), context);
    default:
      return applyTask(signature, context);
  }
}

function applyChain(signature: CelerySignature, context: ApplyContext): Applied {
  const [first, ...rest] = flatSteps(signature);
  if (first === undefined) return { calls: [], sizes: [], result: [[randomUUID(), null], null] };
  const chain = [...(context.chain ?? []), ...rest.reverse()];
  return applySignature(first, { ...context, chain });
}

function applyGroup(signature: CelerySignature, context: ApplyContext): Applied {
  const chain = [...(context.chain ?? [])];
  const next = chain.pop();
  if (next !== undefined) return applySignature(chordOf(signature, next), { ...context, chain });
  const groupId = textOption(signature, 'task_id') ?? randomUUID();
  const all = membersOf(signatureToJson(signature)).map((member, index) => {
    const given =
      signature.args.length > 0 && !member.immutable
        ? { ...member, args: [...signature.args, ...member.args] }
        : member;
    return applySignature(inGroup(given, signature, { groupId, index }), context);
  });
  return { ...merged(all), result: [[groupId, null], all.map(({ result }) => result)] };
}

function inGroup(
  member: CelerySignature,
  { options }: CelerySignature,
  { groupId, index }: { readonly groupId: string; readonly index: number },
): CelerySignature {
  const outer = options.group_id === undefined || options.chord === undefined; // marked by a chord around it: see markEnds
  const errors = joined(member.options.link_error, options.link_error);
  return withOptions(member, {
    ...(outer && member.options.group_id === undefined ? { group_id: groupId, group_index: index } : {}),
    ...(errors.length > 0 ? { link_error: errors } : {}),
  });
}

function applyChord(signature: CelerySignature, context: ApplyContext): Applied {
  const given = parseSignature(signature.kwargs.body);
  if (given === undefined) return { calls: [], sizes: [], result: [[randomUUID(), null], null] };
  const body = bodyOf(given, signature, context);
  const header = parseSignature(signature.kwargs.header);
  const groupId = (header && textOption(header, 'task_id')) ?? randomUUID();
  const mark: ChordMark = { groupId, body: signatureToJson(body), ends: 0 };
  const members = membersOf(signature.kwargs.header).map((member) =>
    markEnds(withInput(member, signature, context), mark),
  );
  if (mark.ends === 0) return applySignature(body, { ...context, chain: [], input: [[]] });
  const all = members.map((member) => applySignature(member, { ...context, input: [], chain: [] }));
  const { calls, sizes } = merged(all);
  const id = textOption(body, 'task_id') ?? '';
  const parent: ResultTuple = [[groupId, null], all.map(({ result }) => result)];
  return {
    calls,
    sizes: [{ groupId, size: mark.ends }, ...sizes],
    result: [[id, parent as unknown as JsonValue], null],
  };
}

function withInput(member: CelerySignature, { args }: CelerySignature, { input = [] }: ApplyContext): CelerySignature {
  if (member.immutable || args.length + input.length === 0) return member;
  return { ...member, args: [...input, ...args, ...member.args] };
}

const passedOn = ['group_id', 'group_index', 'chord', 'root_id', 'parent_id', 'reply_to'] as const;

/** The body with what hangs on the chord as a whole, and what follows it. */
function bodyOf(body: CelerySignature, { options }: CelerySignature, context: ApplyContext): CelerySignature {
  const extra: Record<string, JsonValue> = {};
  const links = joined(body.options.link, options.link);
  const errors = joined(body.options.link_error, options.link_error);
  if (links.length > 0) extra.link = links;
  if (errors.length > 0) extra.link_error = errors;
  for (const name of passedOn)
    if (options[name] !== undefined && body.options[name] === undefined) extra[name] = options[name];
  const chain = [...(context.chain ?? []).map(signatureToJson), ...joined(body.options.chain)];
  if (chain.length > 0) extra.chain = chain;
  extra.task_id = textOption(body, 'task_id') ?? textOption({ ...body, options }, 'task_id') ?? randomUUID();
  if (context.rootId !== undefined && body.options.root_id === undefined) extra.root_id = context.rootId;
  if (context.replyTo !== undefined && body.options.reply_to === undefined) extra.reply_to = context.replyTo;
  return withOptions(body, extra);
}

function merged(all: readonly Applied[]): Pick<Applied, 'calls' | 'sizes'> {
  return { calls: all.flatMap(({ calls }) => calls), sizes: all.flatMap(({ sizes }) => sizes) };
}

/** `chunks` is a group of starmaps. */
function chunked({ kwargs, options }: CelerySignature): CelerySignature {
  const { task = null, it, n } = kwargs;
  const items = Array.isArray(it) ? (it as readonly JsonValue[]) : [];
  const size = typeof n === 'number' && n >= 1 ? Math.floor(n) : 1;
  const tasks: Fields[] = [];
  for (let start = 0; start < items.length; start += size) {
    const part = { task: 'celery.starmap', args: [], kwargs: { task, it: items.slice(start, start + size) } };
    tasks.push({ ...part, options: { ...options }, subtask_type: null, immutable: true });
  }
  return { task: 'celery.group', args: [], kwargs: { tasks }, options: {}, subtask_type: 'group', immutable: false };
}

function applyTask(signature: CelerySignature, context: ApplyContext): Applied {
  const { input = [], chain = [], inherited = {} } = context;
  const options: Fields = { ...inherited, ...signature.options };
  const id = textOption(signature, 'task_id') ?? randomUUID();
  const args = signature.immutable ? signature.args : [...input, ...signature.args];
  const following = [...chain.map(signatureToJson), ...joined(options.chain)];
  const call: CeleryCall = {
    id,
    queue: queueOf(signature, context.defaultQueue),
    headers: headersOf({ signature, options, id, args }, context),
    args,
    kwargs: signature.kwargs,
    embed: {
      callbacks: listOrNull(options.link),
      errbacks: listOrNull(options.link_error),
      chain: following.length > 0 ? following : null,
      chord: isFields(options.chord) ? options.chord : null,
    },
    properties: {
      correlation_id: id,
      reply_to: textOption(signature, 'reply_to') ?? context.replyTo ?? '',
      delivery_mode: 2,
      priority: typeof options.priority === 'number' ? options.priority : 0,
    },
  };
  return { calls: [call], sizes: [], result: [[id, null], null] };
}

function listOrNull(value: JsonValue | undefined): JsonValue {
  const list = signaturesIn(value).map(signatureToJson);
  return list.length > 0 ? list : null;
}

interface TaskParts {
  readonly signature: CelerySignature;
  readonly options: Fields;
  readonly id: string;
  readonly args: readonly JsonValue[];
}

function headersOf({ signature, options, id, args }: TaskParts, context: ApplyContext): Fields {
  const { rootId, parentId, now } = context;
  const stamped = Array.isArray(options.stamped_headers) ? (options.stamped_headers as readonly JsonValue[]) : [];
  const stamps = Object.fromEntries(stamped.map((name) => [String(name), options[String(name)] ?? null]));
  return {
    ...(isFields(options.headers) ? options.headers : {}),
    lang: 'js',
    task: signature.task,
    id,
    shadow: options.shadow ?? null,
    eta: momentOf(options, { relative: 'countdown', absolute: 'eta', now }),
    expires: momentOf(options, { relative: 'expires', absolute: 'expires', now }),
    group: options.group_id ?? null,
    group_index: options.group_index ?? null,
    retries: 0,
    timelimit: [options.time_limit ?? null, options.soft_time_limit ?? null],
    root_id: rootId ?? options.root_id ?? id,
    parent_id: parentId ?? options.parent_id ?? null,
    argsrepr: tupleRepr(args),
    kwargsrepr: pythonRepr(signature.kwargs),
    origin,
    ignore_result: options.ignore_result ?? false,
    replaced_task_nesting: options.replaced_task_nesting ?? 0,
    stamped_headers: stamped.length > 0 ? stamped : null,
    stamps,
    ...(options.lovage === undefined ? {} : { lovage: options.lovage }),
  };
}

interface MomentNames {
  readonly relative: string;
  readonly absolute: string;
  readonly now: number;
}

/** A moment from options: seconds from now, or an ISO text. */
function momentOf(options: Fields, { relative, absolute, now }: MomentNames): string | null {
  const seconds = options[relative];
  if (typeof seconds === 'number')
    return seconds === 0 && relative === 'countdown' ? null : toIsoTime(now + seconds * 1000);
  const text = options[absolute];
  const at = typeof text === 'string' ? fromIsoTime(text) : undefined;
  return at === undefined ? null : toIsoTime(at);
}
