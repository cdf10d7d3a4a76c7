import type { DeadLetter } from '../driver/monitor.ts';
import { type Duration, parseDuration } from '../options/duration.ts';
import { compilePattern } from '../task/route.ts';

/** Which dead letters are meant: every field narrows, none means all. */
export interface DeadLetterFilter {
  /** @default every queue of the broker */
  readonly queues?: readonly string[];
  /** Ids of the parked tasks. */
  readonly ids?: readonly string[];
  /** A task's name, or a glob such as `'mail.*'`. */
  readonly task?: string;
  /** The name of the reason, such as `'UnknownTaskError'`, or a glob. */
  readonly reason?: string;
  /** With this tag, or a glob such as `'customer:*'`. */
  readonly tag?: string;
  /** Parked longer ago than that. */
  readonly olderThan?: Duration;
  /** Parked within that time. */
  readonly newerThan?: Duration;
}

/** Whether a letter is meant, at this moment. Throws {@link ConfigurationError} for durations that are none. */
export function compileFilter(filter: DeadLetterFilter, now: number): (letter: DeadLetter) => boolean {
  const { ids, task, reason, tag } = filter;
  const wanted = ids && new Set(ids);
  const fitsTask = task === undefined ? undefined : compilePattern(task);
  const fitsReason = reason === undefined ? undefined : compilePattern(reason);
  const fitsTag = tag === undefined ? undefined : compilePattern(tag);
  const until = filter.olderThan === undefined ? undefined : now - parseDuration(filter.olderThan, 'olderThan');
  const since = filter.newerThan === undefined ? undefined : now - parseDuration(filter.newerThan, 'newerThan');
  return (letter) =>
    (wanted === undefined || wanted.has(letter.id)) &&
    (fitsTask === undefined || (letter.task !== undefined && fitsTask(letter.task))) &&
    (fitsReason === undefined || fitsReason(letter.reason.name)) &&
    (fitsTag === undefined || tagsOf(letter).some(fitsTag)) &&
    (until === undefined || letter.at <= until) &&
    (since === undefined || letter.at >= since);
}

/** The tags of a parked message; none where it cannot be read. */
export function tagsOf({ body }: DeadLetter): readonly string[] {
  try {
    const tags: unknown = (JSON.parse(body) as { tags?: unknown } | null)?.tags;
    return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [];
  } catch {
    return []; // foreign bytes
  }
}
