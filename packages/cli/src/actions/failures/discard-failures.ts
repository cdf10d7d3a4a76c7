import { type ExitCode, usageError } from '../../exit-code.ts';
import { type FailureArguments, readFailureFilter } from '../../options/failure-options.ts';
import { printData, printJson, printNote } from '../../output/print.ts';
import { confirm } from '../confirm.ts';
import { withApp } from '../with-app.ts';

/** What `lovage failures discard` was given. */
export interface DiscardFailuresArguments extends FailureArguments {
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

/** Takes failures off the list for good, once the person has said so. */
export async function discardFailures(given: DiscardFailuresArguments): Promise<ExitCode> {
  const filter = readFailureFilter(given);
  const asks = !given.force && !given.dryRun && filter.ids === undefined;
  if (asks && !process.stdin.isTTY)
    throw usageError('discard drops every matching failure: pass --force without a terminal');
  return withApp(given, async ({ app }) => {
    if (given.dryRun) {
      const fitting = await app.failures.count(filter);
      report(given, { wouldDiscard: fitting }, `would discard ${count(fitting)}`);
      return 0;
    }
    if (asks && !(await confirm(`Discard ${count(await app.failures.count(filter))} for good?`))) {
      printNote('nothing was discarded');
      return 1;
    }
    const discarded = await app.failures.discard(filter);
    report(given, { discarded }, `discarded ${count(discarded)}`);
    return 0;
  });
}

function report({ json }: DiscardFailuresArguments, data: object, text: string): void {
  if (json) printJson(data);
  else printData(text);
}

const count = (failures: number): string => `${failures} ${failures === 1 ? 'failure' : 'failures'}`;
