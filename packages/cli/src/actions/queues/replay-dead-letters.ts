import { DeadLetters, type Replayed } from '@lovage/core/inspect';
import { CommandError, type ExitCode, usageError } from '../../exit-code.ts';
import { type LetterArguments, readFilter } from '../../options/dead-letter-options.ts';
import { type ResendArguments, readResendOptions } from '../../options/resend-options.ts';
import { paint } from '../../output/paint.ts';
import { oneLine, printData, printJson, printLine, printNote } from '../../output/print.ts';
import { confirm } from '../confirm.ts';
import { withApp } from '../with-app.ts';

/** What `lovage dlq replay` was given. */
export interface ReplayArguments extends LetterArguments, ResendArguments {}

/** Sends dead letters again; several only once the person has said so. Exit 1 when one of them could not be sent. */
export async function replayDeadLetters(given: ReplayArguments): Promise<ExitCode> {
  const filter = readFilter(given);
  const options = readResendOptions(given);
  const asks = !given.force && !given.dryRun && filter.ids === undefined;
  if (asks && !process.stdin.isTTY)
    throw usageError('replay sends every matching dead letter: pass --force without a terminal');
  return withApp(given, async ({ app }) => {
    const letters = new DeadLetters(app);
    if (asks && !(await confirm(`Send ${await letters.count(filter)} dead letters again?`))) {
      printNote('nothing was sent');
      return 1;
    }
    const counts = { sent: 0, refused: 0 };
    for await (const one of letters.replay(filter, options)) {
      counts[one.kind] += 1;
      if (given.json) printJson(toJson(one));
      else print(one);
    }
    return conclude(counts, given);
  });
}

function conclude({ sent, refused }: { sent: number; refused: number }, given: ReplayArguments): ExitCode {
  if (sent + refused === 0 && given.ids?.length) {
    throw new CommandError(`there is no dead letter of task ${given.ids.join(', ')}`, { exitCode: 1 });
  }
  const what = given.dryRun ? 'would be sent' : 'sent';
  printNote(`${what}: ${sent}${refused > 0 ? `, refused: ${refused}` : ''}`);
  return refused > 0 ? 1 : 0;
}

function toJson(one: Replayed): object {
  const { letter } = one;
  if (one.kind === 'sent') return { id: one.id, replayOf: letter.id, task: one.task, queue: one.queue };
  return { replayOf: letter.id, queue: letter.queue, problem: one.problem };
}

function print(one: Replayed): void {
  const { letter } = one;
  if (one.kind === 'sent') printData(`${letter.id} → ${one.id}  ${one.task}  ${one.queue}`);
  else printLine(`${paint('red', 'error:')} ${letter.id} stays: ${oneLine(one.problem)}`);
}
