import type { FailureFilter } from '@lovage/core';
import type { GlobalArguments } from '../command.ts';
import { splitList } from './fleet-options.ts';
import { readDuration } from './read-duration.ts';

/** Which failures a command means. */
export interface FailureArguments extends GlobalArguments {
  readonly ids?: readonly string[];
  readonly group?: string;
  readonly queues?: string | readonly string[];
  readonly task?: string;
  readonly error?: string;
  readonly tag?: string;
  readonly olderThan?: string;
  readonly newerThan?: string;
  readonly limit?: string;
}

/** Reads the filter of a command line. Throws a usage error. */
export function readFailureFilter({ ids, group, queues, task, error, tag, ...given }: FailureArguments): FailureFilter {
  const filter = {
    ids: ids?.length ? ids : undefined,
    group,
    queues: splitList(queues),
    task,
    error,
    tag,
    olderThan: readDuration(given.olderThan, '--older-than'),
    newerThan: readDuration(given.newerThan, '--newer-than'),
  };
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}
