import type { GlobalArguments } from '../../command.ts';
import { type ExitCode, usageError } from '../../exit-code.ts';
import { printData, printJson, printNote } from '../../output/print.ts';
import { formatTable } from '../../output/table.ts';
import { withApp } from '../with-app.ts';

/** What `lovage ordering` was given. */
export interface OrderingArguments extends GlobalArguments {
  readonly action: string;
  readonly task?: string;
  readonly key?: string;
}

/** Lists closed ordering keys, or opens one. */
export async function ordering(given: OrderingArguments): Promise<ExitCode> {
  const { action, task, key } = given;
  if (action !== 'list' && (task === undefined || key === undefined))
    throw usageError(`ordering ${action}: name the task and the key`);
  return withApp(given, async ({ app }) => {
    if (action === 'list') {
      const keys = await app.control.haltedKeys();
      if (given.json) printJson(keys);
      else if (keys.length === 0) printNote('no ordering key is closed');
      else
        printData(
          formatTable(
            ['task', 'key', 'failed', 'queue'],
            keys.map((one) => [one.task, one.key, one.failed, one.queue]),
          ),
        );
      return 0;
    }
    const resumed = await app.control.resumeKey(task as string, key as string);
    printNote(resumed ? `resumed ${task} ${key}` : `${task} ${key} is not closed`);
    return resumed ? 0 : 1;
  });
}
