import { Inspector } from '@lovage/core/inspect';
import type { GlobalArguments } from '../../command.ts';
import { type ExitCode, usageError } from '../../exit-code.ts';
import { printData, printJson, printNote } from '../../output/print.ts';
import { confirm } from '../confirm.ts';
import { withApp } from '../with-app.ts';

/** What `lovage purge` was given. */
export interface PurgeArguments extends GlobalArguments {
  readonly queue: string;
  readonly force?: boolean;
}

/** Deletes what waits in a queue, once the person has said so. */
export async function purgeQueue(given: PurgeArguments): Promise<ExitCode> {
  const { queue, force, json } = given;
  if (!force && !process.stdin.isTTY) {
    throw usageError(`purge deletes every waiting task of queue "${queue}": pass --force without a terminal`);
  }
  return withApp(given, async ({ app }) => {
    const inspector = new Inspector(app);
    if (!force && !(await confirm(await describe(inspector, queue)))) {
      printNote('nothing was deleted');
      return 1;
    }
    const deleted = await inspector.purge(queue);
    if (json) printJson({ queue, deleted });
    else printData(`deleted ${count(deleted)} from queue ${queue}`);
    return 0;
  });
}

async function describe(inspector: Inspector, queue: string): Promise<string> {
  const [counts] = await inspector.queues([queue]);
  const waiting = (counts?.waiting ?? 0) + (counts?.delayed ?? 0);
  return `Delete ${count(waiting)} from queue ${queue}?`;
}

const count = (tasks: number): string => `${tasks} ${tasks === 1 ? 'task' : 'tasks'}`;
