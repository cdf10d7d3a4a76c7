import type { DeadLetterFilter } from '@lovage/core/inspect';
import type { GlobalArguments } from '../command.ts';
import { splitList } from './fleet-options.ts';
import { readDuration } from './read-duration.ts';

/** Which dead letters a command means. */
export interface LetterArguments extends GlobalArguments {
  readonly ids?: readonly string[];
  readonly queues?: string | readonly string[];
  readonly task?: string;
  readonly reason?: string;
  readonly tag?: string;
  readonly olderThan?: string;
  readonly newerThan?: string;
  readonly limit?: string;
}

/** Reads the filter of a command line. Throws a usage error. */
export function readFilter({ ids, queues, task, reason, tag, ...given }: LetterArguments): DeadLetterFilter {
  const filter = {
    ids: ids?.length ? ids : undefined,
    queues: splitList(queues),
    task,
    reason,
    tag,
    olderThan: readDuration(given.olderThan, '--older-than'),
    newerThan: readDuration(given.newerThan, '--newer-than'),
  };
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}
