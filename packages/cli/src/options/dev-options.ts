import type { GlobalArguments } from '../command.ts';

/** What `lovage dev` was given. */
export interface DevArguments extends GlobalArguments {
  readonly queues?: string | readonly string[];
  readonly concurrency?: string;
  readonly port?: string;
  readonly noWatch?: boolean;
}
