import type { JsonValue, OutcomeRecord } from '@lovage/core/driver';
import { applySignature } from '../canvas/apply.ts';
import { type ChordPart, dependencyError, endingOf } from '../canvas/ending.ts';
import type { CeleryTask } from '../protocol/celery-task.ts';
import { type Fields, isFields } from '../protocol/json-schema.ts';
import { writeMeta } from '../protocol/result-meta.ts';
import { type CelerySignature, parseSignature, signaturesIn, textOption } from '../protocol/signature.ts';
import type { Settler } from './settler.ts';

/** The last part of a chord, whose header is complete with it. */
export interface EndOfChord extends ChordPart {
  /** The headers of the task that it ended with. */
  readonly lineage: Fields;
}

export interface ChordTools {
  readonly settler: Settler;
  readonly defaultQueue: string;
  readonly now: number;
  readonly worker: string;
}

/** As long as Celery keeps results, in seconds. */
const ttl = 86_400;

/**
 * A chord's header is complete: its body is sent with the list of values; or, where a member failed, ends with what it was, and with
 * it all that waits for the body. Whoever deletes the chord's count does it, so that it happens once.
 */
export async function completeChord(end: EndOfChord, tools: ChordTools): Promise<void> {
  const members = (await tools.settler.chordMembers(end.groupId)).map(readMember);
  const failed = members.find((member) => member.state !== 'SUCCESS');
  if (failed) return failChord(end, dependencyError(failed.id, isFields(failed.result) ? failed.result : {}), tools);
  const root = end.lineage.root_id;
  const { calls, sizes } = applySignature(end.body, {
    input: [members.map(({ result }) => result)],
    rootId: typeof root === 'string' ? root : undefined,
    parentId: end.taskId,
    defaultQueue: tools.defaultQueue,
    now: tools.now,
  });
  await tools.settler.settle({ chord: end.groupId, calls, sizes });
}

interface Member {
  readonly id: string;
  readonly state: string;
  readonly result: JsonValue;
}

/** Of `[1, id, state, result]`. */
function readMember(value: JsonValue): Member {
  const [, id, state, result] = Array.isArray(value) ? (value as readonly JsonValue[]) : [];
  return { id: String(id ?? ''), state: String(state ?? ''), result: result ?? null };
}

async function failChord(end: EndOfChord, problem: string, tools: ChordTools): Promise<void> {
  const { settler, now, worker, defaultQueue } = tools;
  const body = bodyTask(end.body);
  const record: OutcomeRecord = {
    id: body.id,
    task: body.task,
    state: 'FAILURE',
    failure: { name: 'ChordError', message: problem },
    attempts: 1,
    at: now,
    worker,
  };
  const { calls, sizes, children, ended, parts } = endingOf(body, record, { defaultQueue, now });
  const records = [record, ...ended].map((one) => ({
    id: one.id,
    text: writeMeta(one, one === record ? { children } : {}),
    ttl,
    replyTo: textOption(end.body, 'reply_to'),
  }));
  const reply = await settler.settle({ chord: end.groupId, records, calls, sizes, parts });
  if (!reply.done) return;
  for (const [index, part] of parts.entries()) {
    const { count, size } = reply.parts[index] ?? { count: 0, size: undefined };
    if (size !== undefined && count >= size) await completeChord({ ...part, lineage: end.lineage }, tools);
  }
}

/** The body as if its message had been received: with all that follows it. */
function bodyTask(body: CelerySignature): CeleryTask {
  const { options } = body;
  return {
    id: textOption(body, 'task_id') ?? '',
    task: body.task,
    args: body.args,
    kwargs: body.kwargs,
    embed: {
      callbacks: signaturesIn(options.link),
      errbacks: signaturesIn(options.link_error),
      chain: signaturesIn(options.chain),
      chord: parseSignature(options.chord),
    },
    headers: {
      group: options.group_id ?? null,
      group_index: options.group_index ?? null,
      root_id: options.root_id ?? null,
    },
    properties: {},
  };
}
