import {
  type Clock,
  type Failure,
  isFinal,
  type Logger,
  type OutcomeRecord,
  type OutcomeWrite,
  type Settlement,
} from '@lovage/core/driver';
import { type ChordPart, type Ending, endingOf } from '../canvas/ending.ts';
import { retryCall } from '../message/to-call.ts';
import type { CeleryCall } from '../protocol/celery-call.ts';
import { type MetaExtras, readMeta, writeMeta } from '../protocol/result-meta.ts';
import { signatureToJson } from '../protocol/signature.ts';
import { completeChord, type EndOfChord } from './chord-end.ts';
import type { HeldTask } from './held-task.ts';
import type { RawPush, SettleJob, Settler } from './settler.ts';

/** What carrying settlements out needs. */
export interface SettlementTools {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settler: Settler;
  readonly defaultQueue: string;
  readonly worker: string;
}

/** What is kept of tasks that end unseen, in seconds: Celery's `result_expires`. */
const defaultTtl = 86_400;

/** Carries a settlement out. Resolves with whether the task is over; false: it comes again, here or elsewhere. */
export async function carryOut(held: HeldTask, settlement: Settlement, tools: SettlementTools): Promise<boolean> {
  switch (settlement.kind) {
    case 'retryAt':
      await resend(held, { ...settlement.message, eta: settlement.at }, tools);
      return false;
    case 'release':
      if (settlement.at === undefined || settlement.at <= tools.clock.now()) await handBack(held, tools);
      else await resend(held, { ...held.message, eta: settlement.at }, tools);
      return false;
    case 'deadLetter':
      return end(
        held,
        settlement.outcome ?? ignored(held, tools),
        { pushes: [parked(held, settlement.reason, tools)] },
        tools,
      );
    default:
      return end(held, settlement.outcome ?? ignored(held, tools), {}, tools);
  }
}

async function resend(
  held: HeldTask,
  message: HeldTask['message'],
  { settler, clock }: SettlementTools,
): Promise<void> {
  const eta = message.eta !== undefined && message.eta > clock.now() ? { eta: message.eta } : {};
  const { eta: _past, ...rest } = message;
  const call = retryCall(callOf(held), { ...rest, ...eta });
  await settler.settle({ tag: held.entry.tag, ack: true, calls: [call] });
}

/** To the front of its queue, as it came. */
async function handBack({ entry }: HeldTask, { settler }: SettlementTools): Promise<void> {
  await settler.settle({
    tag: entry.tag,
    ack: true,
    pushes: [{ kind: 'front', queue: entry.queue, text: entry.text }],
  });
}

/** The message of a delivery as a call, to be sent again. */
export function callOf({ task, entry }: HeldTask): CeleryCall {
  const { embed, headers, properties } = task;
  const { delivery_info: _info, delivery_tag: _tag, body_encoding: _encoding, ...kept } = properties;
  const { compression: _compressed, ...plain } = headers;
  const list = (signatures: typeof embed.chain) => (signatures.length > 0 ? signatures.map(signatureToJson) : null);
  return {
    id: task.id,
    queue: entry.queue,
    headers: plain,
    args: task.args,
    kwargs: task.kwargs,
    embed: {
      callbacks: list(embed.callbacks),
      errbacks: list(embed.errbacks),
      chain: list(embed.chain),
      chord: embed.chord ? signatureToJson(embed.chord) : null,
    },
    properties: kept,
  };
}

function parked({ entry, task }: HeldTask, reason: Failure, { clock }: SettlementTools): RawPush {
  return deadLetter(entry, { id: task.id, task: task.task, reason, at: clock.now() });
}

/** What is known of a parked entry. */
export interface Parked {
  readonly id?: string | undefined;
  readonly task?: string | undefined;
  readonly reason: Failure;
  readonly at: number;
}

export function deadLetter({ queue, text, tag }: HeldTask['entry'], { id = '', task, reason, at }: Parked): RawPush {
  const { name, message } = reason;
  const letter = { key: tag, id, queue, ...(task ? { task } : {}), at, reason: { name, message }, body: text };
  return { kind: 'dead', queue, text: JSON.stringify(letter) };
}

/** `throw new Ignore()` and `replace` store nothing; but what would wait for an ignored task for ever ends. */
function ignored({ message, task, replaced }: HeldTask, { clock, worker }: SettlementTools): OutcomeWrite | undefined {
  if (replaced || (task.embed.chain.length === 0 && task.embed.chord === undefined)) return undefined;
  const record = { id: message.id, task: task.task, state: 'REVOKED', reason: 'ignored', attempts: 1 } as const;
  return { record: { ...record, at: clock.now(), worker }, ttl: defaultTtl * 1_000 };
}

async function end(
  held: HeldTask,
  outcome: OutcomeWrite | undefined,
  job: SettleJob,
  tools: SettlementTools,
): Promise<boolean> {
  const { tag } = held.entry;
  if (outcome === undefined) {
    await tools.settler.settle({ ...job, tag, ack: true });
    return true;
  }
  const ending = endingOf(held.task, outcome.record, { ...tools, now: tools.clock.now() });
  const whole = { ...job, ...jobOf(held, { outcome, ending }) };
  const reply = await tools.settler.settle({ ...whole, tag, ack: ending.parts.length === 0 });
  if (!reply.done && reply.stored[0] === false) return otherwise(held, outcome, job, tools);
  if (!reply.done) {
    tools.logger.warn('a task was settled after its message had been given to another worker', {
      taskId: held.message.id,
    });
    held.lose();
    return false;
  }
  if (ending.parts.length === 0) return true;
  for (const [index, part] of ending.parts.entries()) {
    const { count, size } = reply.parts[index] ?? { count: 0, size: undefined };
    if (size !== undefined && count >= size) await endChord(held, part, tools);
  }
  await tools.settler.settle({ tag, ack: true });
  return true;
}

function endChord(
  held: HeldTask,
  part: ChordPart,
  { settler, defaultQueue, clock, worker }: SettlementTools,
): Promise<void> {
  const chord: EndOfChord = { ...part, lineage: held.task.headers };
  return completeChord(chord, { settler, defaultQueue, now: clock.now(), worker });
}

interface Ended {
  readonly outcome: OutcomeWrite;
  readonly ending: Ending;
}

/** The task's own record first: where another outcome stands, nothing follows from this one. */
function jobOf(held: HeldTask, { outcome, ending }: Ended): SettleJob {
  const { record, ttl, replyTo } = outcome;
  const { message, task } = held;
  const extras: MetaExtras = {
    children: ending.children,
    queue: held.queue,
    ...(message.groupId === undefined ? {} : { groupId: message.groupId }),
  };
  const seconds = ttl / 1_000;
  const hidden = task.headers.ignore_result === true && record.state === 'SUCCESS'; // Celery stores failures all the same
  const own = { id: record.id, text: writeMeta(record, extras), ttl: seconds, replyTo };
  const later = ending.ended.map((step) => ({ id: step.id, text: writeMeta(step), ttl: seconds, replyTo }));
  return {
    records: hidden ? later : [own, ...later],
    calls: ending.calls,
    sizes: ending.sizes,
    parts: ending.parts,
  };
}

/** Another outcome stands: the task was taken back, or ran before. What follows is that one's, where nobody has seen to it. */
async function otherwise(
  held: HeldTask,
  outcome: OutcomeWrite,
  job: SettleJob,
  tools: SettlementTools,
): Promise<boolean> {
  const { tag } = held.entry;
  const text = await tools.settler.readMeta(held.message.id);
  const stands = text === undefined ? undefined : readMeta(text);
  if (stands === undefined || !isFinal(stands) || stands.state !== 'REVOKED') {
    await tools.settler.settle({ ...job, tag, ack: true });
    return true;
  }
  const record: OutcomeRecord = { ...outcome.record, state: 'REVOKED', reason: stands.reason ?? 'revoked' };
  const ending = endingOf(held.task, record, { ...tools, now: tools.clock.now() });
  const { records = [], ...rest } = jobOf(held, { outcome: { ...outcome, record }, ending });
  const reply = await tools.settler.settle({ ...job, ...rest, records: records.slice(1), tag: '', ack: false });
  for (const [index, part] of ending.parts.entries()) {
    const { count, size } = reply.parts[index] ?? { count: 0, size: undefined };
    if (size !== undefined && count >= size) await endChord(held, part, tools);
  }
  await tools.settler.settle({ tag, ack: true });
  return true;
}
