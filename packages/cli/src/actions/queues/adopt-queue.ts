import { Inspector } from '@lovage/core/inspect';
import type { GlobalArguments } from '../../command.ts';
import { type ExitCode, usageError } from '../../exit-code.ts';
import { printData, printJson, printNote } from '../../output/print.ts';
import { confirm } from '../confirm.ts';
import { withApp } from '../with-app.ts';

/** What `lovage queues adopt` was given. */
export interface AdoptArguments extends GlobalArguments {
  readonly queue: string;
  readonly force?: boolean;
}

/** Makes a queue that another program created Lovage's, once the person has said so. */
export async function adoptQueue(given: AdoptArguments): Promise<ExitCode> {
  const { queue, json } = given;
  return withApp(given, async ({ app }) => {
    const inspector = new Inspector(app);
    const owner = await inspector.foreignOwner(queue);
    if (owner !== undefined && !(await isWanted(given, owner))) {
      printNote('nothing was changed');
      return 1;
    }
    await inspector.adoptQueue(queue);
    if (json) printJson({ queue, owner: owner ?? null });
    else printData(`queue ${queue} is Lovage's ${owner === undefined ? 'already' : 'now'}`);
    return 0;
  });
}

async function isWanted({ queue, force }: AdoptArguments, owner: string): Promise<boolean> {
  if (force) return true;
  const effect = `queue "${queue}" was created by ${owner}; workers will park jobs of that program as dead letters`;
  if (!process.stdin.isTTY) throw usageError(`${effect}: pass --force without a terminal`);
  return confirm(`${effect}. Adopt it?`);
}
