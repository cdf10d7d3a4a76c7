import type { Retried } from '@lovage/core';
import { CommandError, type ExitCode, usageError } from '../../exit-code.ts';
import { type FailureArguments, readFailureFilter } from '../../options/failure-options.ts';
import { type ResendArguments, readResendOptions } from '../../options/resend-options.ts';
import { paint } from '../../output/paint.ts';
import { oneLine, printData, printJson, printLine, printNote } from '../../output/print.ts';
import { confirm } from '../confirm.ts';
import { withApp } from '../with-app.ts';

/** What `lovage failures retry` was given. */
export interface RetryFailuresArguments extends FailureArguments, ResendArguments {}

/** Runs failures again under their ids; several only once the person has said so. Exit 1 when one of them could not be sent. */
export async function retryFailures(given: RetryFailuresArguments): Promise<ExitCode> {
  const filter = readFailureFilter(given);
  const options = readResendOptions(given);
  const asks = !given.force && !given.dryRun && filter.ids === undefined;
  if (asks && !process.stdin.isTTY)
    throw usageError('retry runs every matching failure again: pass --force without a terminal');
  return withApp(given, async ({ app }) => {
    if (asks && !(await confirm(`Run ${await app.failures.count(filter)} failed tasks again?`))) {
      printNote('nothing was sent');
      return 1;
    }
    const counts = { sent: 0, refused: 0 };
    for await (const one of app.failures.retry(filter, options)) {
      counts[one.kind] += 1;
      if (given.json) printJson(toJson(one));
      else print(one);
    }
    return conclude(counts, given);
  });
}

function conclude({ sent, refused }: { sent: number; refused: number }, given: RetryFailuresArguments): ExitCode {
  if (sent + refused === 0 && given.ids?.length)
    throw new CommandError(`there is no failure of task ${given.ids.join(', ')}`, { exitCode: 1 });
  printNote(`${given.dryRun ? 'would be sent' : 'sent'}: ${sent}${refused > 0 ? `, refused: ${refused}` : ''}`);
  return refused > 0 ? 1 : 0;
}

function toJson(one: Retried): object {
  const { id, task } = one.failure;
  return one.kind === 'sent' ? { id, task, queue: one.queue } : { id, task, problem: one.problem };
}

function print(one: Retried): void {
  const { id, task } = one.failure;
  if (one.kind === 'sent') printData(`${id}  ${task}  ${one.queue}`);
  else printLine(`${paint('red', 'error:')} ${id} stays: ${oneLine(one.problem)}`);
}
