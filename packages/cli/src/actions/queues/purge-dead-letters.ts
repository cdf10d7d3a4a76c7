import { DeadLetters } from '@lovage/core/inspect';
import { type ExitCode, usageError } from '../../exit-code.ts';
import { type LetterArguments, readFilter } from '../../options/dead-letter-options.ts';
import { printData, printJson, printNote } from '../../output/print.ts';
import { confirm } from '../confirm.ts';
import { withApp } from '../with-app.ts';

/** What `lovage dlq purge` was given. */
export interface PurgeLettersArguments extends LetterArguments {
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

/** Deletes dead letters for good, once the person has said so. */
export async function purgeDeadLetters(given: PurgeLettersArguments): Promise<ExitCode> {
  const filter = readFilter(given);
  const asks = !given.force && !given.dryRun;
  if (asks && !process.stdin.isTTY)
    throw usageError('dlq purge deletes every matching dead letter: pass --force without a terminal');
  return withApp(given, async ({ app }) => {
    const letters = new DeadLetters(app);
    if (given.dryRun) {
      const fitting = await letters.count(filter);
      report(given, { wouldDelete: fitting }, `would delete ${count(fitting)}`);
      return 0;
    }
    if (asks && !(await confirm(`Delete ${count(await letters.count(filter))} for good?`))) {
      printNote('nothing was deleted');
      return 1;
    }
    const deleted = await letters.purge(filter);
    report(given, { deleted }, `deleted ${count(deleted)}`);
    return 0;
  });
}

function report({ json }: PurgeLettersArguments, data: object, text: string): void {
  if (json) printJson(data);
  else printData(text);
}

const count = (letters: number): string => `${letters} ${letters === 1 ? 'dead letter' : 'dead letters'}`;
