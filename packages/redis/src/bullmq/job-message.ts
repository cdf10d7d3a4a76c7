import {
  type Failure,
  MalformedMessageError,
  type Message,
  messageVersion,
  parseMessage,
  type ReadableParts,
  readableParts,
  toFailure,
  visibleAt,
} from '@lovage/core/driver';
import { bullName, taskIdOf } from '../keys.ts';

/** A message as BullMQ's `addJob` takes it. */
export interface JobFields {
  readonly id: string;
  readonly name: string;
  readonly data: string;
  readonly timestamp: number;
  readonly opts: { readonly priority: number; readonly delay?: number };
}

/**
 * BullMQ serves jobs without a priority first, then low numbers before high ones. So every job of ours has one, 10 for
 * our default of 0 down to 1 for our 9: the only mapping under which a 9 overtakes waiting zeros and each priority stays
 * first come first served. It costs 3 % of BullMQ's run rate (12,100 against 12,450 jobs/s, medians of five interleaved
 * rounds of 10,000) and nothing measurable at publish. Rejected: only non-zero priorities as priorities (zeros would be
 * served first), `lifo` for high ones (turns the order within them round).
 */
export function bullPriority(priority: number): number {
  return 10 - priority;
}

/**
 * A message as a job, at this moment of the local clock. BullMQ runs it at `timestamp + delay`, which is a moment of Redis's
 * clock: `redisNow`, or 0 where that is not known, says whether it has come.
 */
export function toJob(message: Message, now: number, redisNow: number = now): JobFields {
  const at = visibleAt(message) ?? 0;
  const held = at > redisNow;
  const timestamp = Math.min(message.sentAt, now, held ? Math.floor(at) - 1 : now);
  const delay = held ? Math.ceil(at - timestamp) : 0;
  const priority = bullPriority(message.priority);
  return {
    id: bullName(message.id),
    name: message.task,
    data: toJobData(message, timestamp),
    timestamp,
    opts: delay > 0 ? { priority, delay } : { priority },
  };
}

/**
 * The job's data: the message without what the job itself says (id, name, queue, and its timestamp for `sentAt`) and
 * without fields that say nothing.
 */
export function toJobData(message: Message, timestamp?: number): string {
  const { id: _id, task: _task, queue: _queue, sentAt, priority, retries, ...rest } = message;
  return JSON.stringify({
    ...rest,
    ...(sentAt === timestamp ? {} : { sentAt }),
    ...(priority === 0 ? {} : { priority }),
    ...(retries === 0 ? {} : { retries }),
  });
}

/** A job as it was read, whatever its producer put there. */
export interface RawJob {
  readonly id: string;
  readonly name: unknown;
  readonly data: unknown;
  readonly timestamp: number;
}

/** What a job turned out to hold. */
export type JobContent = { readonly message: Message } | Unreadable;

/** A job that is no message. */
export interface Unreadable extends ReadableParts {
  readonly message?: undefined;
  readonly reason: Failure;
}

/** Reads a job's message. Never throws, whatever the bytes were. */
export function readJob(job: RawJob, queue: string): JobContent {
  const id = taskIdOf(job.id);
  const task = typeof job.name === 'string' && job.name !== '' ? job.name : undefined;
  let fields: Record<string, unknown> | undefined;
  try {
    if (task === undefined)
      throw new MalformedMessageError('the job has no name: its data are gone, or were never there');
    fields = dataOf(job);
    // Filled in, not copied by spreads: with those this function took 8.2 µs, without 1.3 (objects that a spread made are
    // slow in everything that reads them afterwards).
    // An own "__proto__" stays an own key, which parseMessage refuses.
    fields['id'] = id;
    fields['task'] = task;
    fields['queue'] = queue;
    fields['v'] ??= messageVersion;
    fields['sentAt'] ??= Math.max(0, job.timestamp || 0);
    fields['priority'] ??= 0;
    fields['retries'] ??= 0;
    return { message: parseMessage(fields) };
  } catch (error) {
    return unreadable(job, toFailure(isOfAnotherProgram(fields) ? foreignJob(queue, error as Error) : error));
  }
}

/** Every message of ours has arguments. */
function isOfAnotherProgram(fields: Record<string, unknown> | undefined): boolean {
  return fields !== undefined && fields['args'] === undefined;
}

function foreignJob(queue: string, cause: Error): MalformedMessageError {
  const advice = 'give one of the two another queue or a `prefix`';
  const message = `the job was not written by Lovage: another program adds jobs to queue "${queue}", ${advice} (${cause.message})`;
  return new MalformedMessageError(message, { cause });
}

/** A job that cannot be run, with what can be read of it. Never throws. */
export function unreadable(job: RawJob, reason: Failure): Unreadable {
  let data: unknown;
  try {
    data = dataOf(job);
  } catch {
    // the job itself says its id and task
  }
  return { reason, ...readableParts({ ...(data as object | undefined), id: taskIdOf(job.id), task: job.name }) };
}

function dataOf({ data: text }: RawJob): Record<string, unknown> {
  if (typeof text !== 'string') throw new MalformedMessageError('the job has no data');
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new MalformedMessageError(`the job's data are not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw new MalformedMessageError("the job's data are not an object");
  }
  return data as Record<string, unknown>;
}
