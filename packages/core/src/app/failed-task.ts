import type { FailureEntry, RunError } from '../history/run-row.ts';
import type { JsonValue } from '../message/json.ts';
import { type Message, messageVersion } from '../message/message.ts';
import { type Duration, parseDuration } from '../options/duration.ts';
import { compilePattern } from '../task/route.ts';

/** A task that ended as FAILURE and can be run again. */
export interface FailedTask {
  readonly id: string;
  /** The task's name. */
  readonly task: string;
  readonly queue: string;
  /** When its last attempt ended, epoch ms. */
  readonly at: number;
  /** Which run of the handler that was, from 1. */
  readonly attempt: number;
  readonly worker: string;
  readonly error: RunError;
  /** At most 4,000 characters of it. */
  readonly stack?: string;
  readonly args: readonly JsonValue[];
  /** Its tags, and its stamps as `name=value`. */
  readonly tags?: readonly string[];
  /** The message as JSON. */
  readonly message: string;
}

/** Which failures are meant: every field narrows, none means all. */
export interface FailureFilter {
  readonly ids?: readonly string[];
  /** Of this group only: see {@link FailureGroup.fingerprint}. */
  readonly group?: string;
  readonly queues?: readonly string[];
  /** A task's name, or a glob such as `'mail.*'`. */
  readonly task?: string;
  /** The name of the error, such as `'TypeError'`, or a glob. */
  readonly error?: string;
  /** With this tag, or stamp as `name=value`; or a glob such as `'customer:*'`. */
  readonly tag?: string;
  /** Failed longer ago than that. */
  readonly olderThan?: Duration;
  /** Failed within that time. */
  readonly newerThan?: Duration;
}

/** Whether a failure is meant, at this moment. Throws {@link ConfigurationError} for durations that are none. */
export function compileFailureFilter(filter: FailureFilter, now: number): (failure: FailedTask) => boolean {
  const { ids, group, task, error, tag } = filter;
  const wanted = ids && new Set(ids);
  const queues = filter.queues && new Set(filter.queues);
  const fitsTask = task === undefined ? undefined : compilePattern(task);
  const fitsError = error === undefined ? undefined : compilePattern(error);
  const fitsTag = tag === undefined ? undefined : compilePattern(tag);
  const until = filter.olderThan === undefined ? undefined : now - parseDuration(filter.olderThan, 'olderThan');
  const since = filter.newerThan === undefined ? undefined : now - parseDuration(filter.newerThan, 'newerThan');
  return (failure) =>
    (wanted === undefined || wanted.has(failure.id)) &&
    (group === undefined || failure.error.fingerprint === group) &&
    (queues === undefined || queues.has(failure.queue)) &&
    (fitsTask === undefined || fitsTask(failure.task)) &&
    (fitsError === undefined || fitsError(failure.error.name)) &&
    (fitsTag === undefined || failure.tags?.some(fitsTag) === true) &&
    (until === undefined || failure.at <= until) &&
    (since === undefined || failure.at >= since);
}

/** What a history keeps, for people. */
export function toFailedTask({ row, message, stack }: FailureEntry): FailedTask {
  const { id, task, queue, at, attempt, worker, error, tags } = row;
  return {
    ...{ id, task, queue, at, attempt, worker, error, message, args: argsOf(message) },
    ...(stack === undefined ? {} : { stack }),
    ...(tags === undefined ? {} : { tags }),
  };
}

function argsOf(message: string): readonly JsonValue[] {
  try {
    const { args } = JSON.parse(message) as Partial<Message>;
    return Array.isArray(args) ? args : [];
  } catch {
    return []; // foreign bytes: a retry says what is wrong with them
  }
}

/** What {@link toRetry} changes. */
export interface MessageEdits {
  readonly args: readonly JsonValue[] | undefined;
  readonly queue: string | undefined;
}

/**
 * The message of a task that runs again under its id: its place in a canvas, its priority, limits and keys are kept. Retries, crashes
 * and times of its first life are left behind. A key that it held while it was queued was let go of when it started; one that it holds
 * while it runs is taken again.
 */
export function toRetry(old: Message, { args, queue }: MessageEdits, now: number): Message {
  const { running } = old.claim ?? {};
  const { served: _served, at: _at, replaces: _replaces, ...turn } = old.turn ?? {};
  return {
    v: messageVersion,
    id: old.id,
    task: old.task,
    args: args ?? old.args,
    queue: queue ?? old.queue,
    priority: old.priority,
    retries: 0,
    sentAt: now,
    ...(args === undefined ? pick(old, ['kwargs']) : {}),
    ...pick(old, ['maxRetries', 'replyTo', 'ignoreResult', 'resultExpires', 'timeLimit', 'softTimeLimit']),
    ...pick(old, ['rootId', 'parentId', 'groupId', 'groupIndex', 'headers', 'stamps', 'tags', 'version', 'canvas']),
    ...(running === undefined ? {} : { claim: { running } }),
    ...(Object.keys(turn).length > 0 ? { turn } : {}),
    mayRepeat: true, // retried twice at once, it runs once
  };
}

function pick<K extends keyof Message>(message: Message, names: readonly K[]): Partial<Pick<Message, K>> {
  const found: Partial<Pick<Message, K>> = {};
  for (const name of names) if (message[name] !== undefined) found[name] = message[name];
  return found;
}
