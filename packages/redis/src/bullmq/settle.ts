import type { Failure, Message, OutcomeWrite, Retention, Settlement } from '@lovage/core/driver';
import { batchWrites } from '../batch-writes.ts';
import type { RedisClient } from '../connection.ts';
import { type Keys, taskIdOf } from '../keys.ts';
import { recordArguments } from '../results/record-text.ts';
import type { EndedLog } from '../retention/ended-log.ts';
import type { OutcomeArgs } from '../scripts/bullmq/bull-scripts.ts';
import { scriptsOf } from '../scripts/scripts.ts';
import { isMemoryError } from '../store-errors.ts';
import { bullPriority, toJobData } from './job-message.ts';
import type { Lease } from './lease.ts';
import type { TaskBackend } from './task-backend.ts';
import type { TaskJob } from './task-job.ts';

/** What a settlement needs. */
export interface SettleContext {
  readonly backend: TaskBackend;
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly queue: string;
  readonly ended: EndedLog;
  readonly retention: Retention;
}

/** How one job ends. */
export interface Ending {
  readonly job: TaskJob;
  readonly lease: Lease;
  readonly settlement: Settlement;
  /** The message, where the job's bytes were one. Unreadable jobs are not kept: BullMQ's tools would choke on them too. */
  readonly message: Message | undefined;
  /** Whether a try of this settlement has parked it already. */
  parked: boolean;
  /** Whether a try found Redis full: then the outcome is written all the same, or work that is done could not leave. */
  full: boolean;
}

/** The lease was lost before the settlement: nothing was written, and whoever holds the job now settles it. */
export class StaleSettlementError extends Error {
  constructor(jobId: string) {
    super(`task ${jobId} was settled too late: its lease was lost, so this settlement was dropped`);
    this.name = 'StaleSettlementError';
  }
}

/** Carries a settlement out; answers with the next job's raw data. Rejects when nothing, or not all of it, was done. */
export function settle(ending: Ending, context: SettleContext, fetchNext: boolean): Promise<unknown> {
  batchWrites(context.client);
  const { settlement } = ending;
  switch (settlement.kind) {
    case 'ack':
      return end(ending, context, { outcome: settlement.outcome, fetchNext });
    case 'deadLetter':
      return deadLetter(ending, context, { reason: settlement.reason, outcome: settlement.outcome, fetchNext });
    case 'retryAt':
      return retryAt(ending, context, { ...settlement, fetchNext });
    case 'release':
      return release(ending, context, settlement.at);
    default:
      return settlement satisfies never;
  }
}

interface EndOptions {
  readonly outcome: OutcomeWrite | undefined;
  readonly fetchNext: boolean;
  readonly reason?: Failure;
}

/** Ends the job in BullMQ, completed and gone or failed and kept, and stores the outcome in the same script. */
async function end(ending: Ending, context: SettleContext, options: EndOptions): Promise<unknown> {
  const { job, lease, message } = ending;
  const { outcome } = options;
  const record = outcome?.record;
  const failure = options.reason ?? (record?.state === 'FAILURE' ? record.failure : undefined);
  const fused = outcome && context.keys.sameSlot ? outcomeArgs(ending, context, outcome) : undefined;
  const ownSlot = outcome && !fused ? await storeInOtherSlot(ending, context, outcome) : 0;
  const how = { token: lease.token, fetchNext: options.fetchNext, outcome: fused };
  try {
    // BullMQ's script decodes the parent after it has removed the lock: a bad one would leave the job for ever
    if (!message) await context.client.hdel(context.keys.job(context.queue, lease.jobId), 'parent');
    const keep = message && !options.reason ? context.retention.failures : 0;
    const next = failure
      ? await context.backend.fail(job, { ...how, failure, keep })
      : await context.backend.complete(job, how);
    if (outcome) context.ended.note(outcome, fused?.size ?? ownSlot);
    return next;
  } catch (error) {
    ending.full = isMemoryError(error);
    throw error;
  }
}

/**
 * On a cluster a result has a slot of its own: it is stored and rings before the job ends, if the job is still ours. Whoever
 * gets the job again after a crash between the two finds the result. Answers with its size.
 */
async function storeInOtherSlot(
  { lease }: Ending,
  { client, keys, queue }: SettleContext,
  outcome: OutcomeWrite,
): Promise<number> {
  const holder = await client.get(keys.job(queue, `${lease.jobId}:lock`));
  if (holder !== lease.token) throw new StaleSettlementError(lease.jobId);
  const record = recordArguments(outcome, keys);
  await scriptsOf(client).storeRecord([keys.result(outcome.record.id)], record);
  return String(record[0]).length;
}

function outcomeArgs(
  { job, lease, full }: Ending,
  { keys, queue }: SettleContext,
  outcome: OutcomeWrite,
): OutcomeArgs & { readonly size: number } {
  const record = recordArguments(outcome, keys);
  return {
    size: String(record[0]).length,
    keys: [keys.job(queue, `${lease.jobId}:lock`), keys.result(outcome.record.id)],
    args: [String(job.attemptsStarted), lease.token, full ? '1' : '', ...record],
  };
}

interface DeadLetterOptions {
  readonly reason: Failure;
  readonly outcome: OutcomeWrite | undefined;
  readonly fetchNext: boolean;
}

/** Parks first, then ends: a crash between the two parks it twice, which loses nothing. */
async function deadLetter(ending: Ending, context: SettleContext, options: DeadLetterOptions): Promise<unknown> {
  if (!ending.parked) await park(ending, context, options.reason);
  ending.parked = true;
  return end(ending, context, { outcome: options.outcome, fetchNext: options.fetchNext, reason: options.reason });
}

async function park({ job, lease, message }: Ending, context: SettleContext, reason: Failure): Promise<void> {
  const { keys, queue, retention } = context;
  const parked = await scriptsOf(context.client).parkDead(
    [keys.job(queue, `${lease.jobId}:lock`), keys.job(queue, lease.jobId), keys.dead(queue)],
    [
      lease.token,
      retention.deadLetters,
      taskIdOf(job.raw.id),
      Date.now(),
      reason.name,
      reason.message,
      message ? JSON.stringify(message) : '',
    ],
  );
  if (parked === 0) throw new StaleSettlementError(lease.jobId);
}

/** One script of BullMQ's: the new data are written in the step that moves the job, and no attempt of BullMQ's is spent. */
function retryAt(
  { job, lease }: Ending,
  { backend }: SettleContext,
  options: Extract<Settlement, { kind: 'retryAt' }> & { readonly fetchNext: boolean },
): Promise<unknown> {
  const { message } = options;
  return backend.delayUntil(job.raw.id, options.at, lease.token, {
    fetchNext: options.fetchNext,
    fieldsToUpdate: { data: toJobData(message, job.raw.timestamp), priority: bullPriority(message.priority) },
  });
}

/** Back to the head of its priority, or held back until `at`; `stalledCounter`, our delivery count, is not touched. */
export async function release(
  { job, lease }: Pick<Ending, 'job' | 'lease'>,
  context: Pick<SettleContext, 'backend' | 'client'>,
  at?: number,
): Promise<undefined> {
  const { backend, client } = context;
  if (at !== undefined && at > backend.now) {
    await backend.delayUntil(job.raw.id, at, lease.token);
    return undefined;
  }
  const moved = backend.moveJobFromActiveToWait(job.raw.id, lease.token);
  // BullMQ puts a prioritised job back without the mark that wakes idle workers: they would find it up to 5 s later
  await Promise.all([moved, client.zadd(backend.toKey('marker'), 0, '0')]);
  return undefined;
}

/** Whether a settlement came too late. BullMQ's words for a lock that is gone (-2), another's (-6), or a job that is (-1), or is not active any more (-3). */
export function isStale(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return error instanceof StaleSettlementError || code === -1 || code === -2 || code === -3 || code === -6;
}
