import { type DeadLetter, DeadLetters, tagsOfLetter } from '@lovage/core/inspect';
import { CommandError, type ExitCode } from '../../exit-code.ts';
import { type LetterArguments, readFilter } from '../../options/dead-letter-options.ts';
import { readCount } from '../../options/read-count.ts';
import { paint } from '../../output/paint.ts';
import { oneLine, printData, printJson, printNote } from '../../output/print.ts';
import { formatTable } from '../../output/table.ts';
import { withApp } from '../with-app.ts';

const usualLimit = 100;
const longestReason = 60;

/** Prints the dead letters that fit, newest first. */
export function listDeadLetters(given: LetterArguments): Promise<ExitCode> {
  const filter = readFilter(given);
  const limit = given.limit === undefined ? usualLimit : readCount(given.limit, '--limit');
  return withApp(given, async ({ app }) => {
    const letters = await new DeadLetters(app).list({ ...filter, limit });
    if (given.json) printJson(letters.map(({ body: _body, ...letter }) => letter));
    else if (letters.length === 0) printNote('no dead letters');
    else printLetters(letters);
    if (letters.length === limit && given.limit === undefined) printNote(`the newest ${limit}; --limit shows more`);
    return 0;
  });
}

function printLetters(letters: readonly DeadLetter[]): void {
  const tagged = letters.some((letter) => tagsOfLetter(letter).length > 0);
  const rows = letters.map((letter) => {
    const { id, task = '', queue, at, reason } = letter;
    const tags = tagged ? [tagsOfLetter(letter).join(',')] : [];
    return [new Date(at).toISOString(), queue, task, id, ...tags, cut(oneLine(`${reason.name}: ${reason.message}`))];
  });
  printData(formatTable(['parked', 'queue', 'task', 'id', ...(tagged ? ['tags'] : []), 'reason'], rows));
}

/** What `lovage dlq show` was given. */
export interface ShowLetterArguments extends LetterArguments {
  readonly id: string;
}

/** Prints the dead letters of one task, with the message as it came. */
export function showDeadLetter(given: ShowLetterArguments): Promise<ExitCode> {
  const { id } = given;
  return withApp(given, async ({ app }) => {
    const letters = await new DeadLetters(app).list({ ids: [id] });
    if (letters.length === 0) throw new CommandError(`there is no dead letter of task ${id}`, { exitCode: 1 });
    if (given.json) printJson(letters);
    else printData(letters.map(describeLetter).join('\n\n'));
    return 0;
  });
}

function describeLetter({ id, task, queue, at, reason, body }: DeadLetter): string {
  const rows: readonly (readonly [string, string])[] = [
    ['id', id],
    ['task', task ?? '(unreadable)'],
    ['queue', queue],
    ['parked', new Date(at).toISOString()],
    ['reason', oneLine(`${reason.name}: ${reason.message}`)],
    ['message', body],
  ];
  return rows.map(([name, text]) => `${paint('dim', name.padEnd(8), process.stdout)} ${text}`).join('\n');
}

function cut(text: string): string {
  return text.length > longestReason ? `${text.slice(0, longestReason - 1)}…` : text;
}
