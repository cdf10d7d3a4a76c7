import type { JsonValue } from '@lovage/core';
import { readArgs } from './read-args.ts';
import { readCount } from './read-count.ts';
import { readRate } from './read-rate.ts';

/** What a command that sends tasks again (`dlq replay`, `failures retry`) was given beside its filter. */
export interface ResendArguments {
  readonly args?: string | readonly string[];
  readonly to?: string;
  readonly rate?: string;
  readonly limit?: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
}

/** How they are sent; what was not given is absent. */
export interface ResendOptions {
  readonly args?: readonly JsonValue[];
  readonly queue?: string;
  readonly rate?: string;
  readonly limit?: number;
  readonly dryRun?: boolean;
}

export function readResendOptions({ args, to, rate, limit, dryRun }: ResendArguments): ResendOptions {
  const options = {
    args: readArgs(args),
    queue: to,
    rate: readRate(rate, '--rate'),
    limit: limit === undefined ? undefined : readCount(limit, '--limit'),
    dryRun,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
