import type { FailedTask, FailureGroup } from '@lovage/core';
import type { GlobalArguments } from '../../command.ts';
import { CommandError, type ExitCode } from '../../exit-code.ts';
import { type FailureArguments, readFailureFilter } from '../../options/failure-options.ts';
import { readCount } from '../../options/read-count.ts';
import { paint } from '../../output/paint.ts';
import { oneLine, printData, printJson, printNote } from '../../output/print.ts';
import { formatTable } from '../../output/table.ts';
import { withApp } from '../with-app.ts';

const usualLimit = 100;
const longestError = 60;

/** Prints the failures that fit, the latest first. */
export function listFailures(given: FailureArguments): Promise<ExitCode> {
  const filter = readFailureFilter(given);
  const limit = given.limit === undefined ? usualLimit : readCount(given.limit, '--limit');
  return withApp(given, async ({ app }) => {
    const failures = await app.failures.list({ ...filter, limit });
    if (given.json) printJson(failures.map(({ message: _message, stack: _stack, ...failure }) => failure));
    else if (failures.length === 0) printNote('no failures');
    else printFailures(failures);
    if (failures.length === limit && given.limit === undefined) printNote(`the latest ${limit}; --limit shows more`);
    return 0;
  });
}

function printFailures(failures: readonly FailedTask[]): void {
  const rows = failures.map(({ id, task, queue, at, error }) => [
    new Date(at).toISOString(),
    queue,
    task,
    id,
    error.fingerprint,
    describe(error),
  ]);
  printData(formatTable(['failed', 'queue', 'task', 'id', 'group', 'error'], rows));
}

/** What `lovage failures show` was given. */
export interface ShowFailureArguments extends GlobalArguments {
  readonly id: string;
}

/** Prints one failure, with its stack and its arguments. */
export function showFailure(given: ShowFailureArguments): Promise<ExitCode> {
  return withApp(given, async ({ app }) => {
    const failure = await app.failures.get(given.id);
    if (failure === undefined) {
      const why = 'it has not failed, was retried or discarded, or is not kept any more';
      throw new CommandError(`no failure of task ${given.id}: ${why}`, { exitCode: 1 });
    }
    if (given.json) printJson(failure);
    else printData(describeFailure(failure));
    return 0;
  });
}

function describeFailure(failure: FailedTask): string {
  const { id, task, queue, at, attempt, worker, error, stack, args, tags, message } = failure;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['id', id],
    ['task', task],
    ['queue', queue],
    ['failed', `${new Date(at).toISOString()}, attempt ${attempt}, worker ${worker}`],
    ['group', error.fingerprint],
    ['error', oneLine(`${error.name}: ${error.message}`)],
    ['at', error.frame],
    ['tags', tags?.join(' ')],
    ['args', JSON.stringify(args)],
    ['message', message],
  ];
  const lines = rows.flatMap(([name, text]) =>
    text === undefined ? [] : `${paint('dim', name.padEnd(8), process.stdout)} ${text}`,
  );
  return [...lines, ...(stack === undefined ? [] : [stack])].join('\n');
}

/** Prints what failed by its cause, the latest first. */
export function groupFailures(given: GlobalArguments): Promise<ExitCode> {
  return withApp(given, async ({ app }) => {
    const groups = await app.failures.groups();
    if (given.json) printJson(groups);
    else if (groups.length === 0) printNote('no failures');
    else printData(formatTable(['group', 'open', 'in all', 'first', 'last', 'task', 'error'], groups.map(toRow)));
    return 0;
  });
}

function toRow(group: FailureGroup): readonly (string | number)[] {
  const { fingerprint, open, total, firstAt, lastAt, task, frame } = group;
  const at = frame === undefined ? '' : `  ${frame}`;
  const times = [firstAt, lastAt].map((time) => new Date(time).toISOString());
  return [fingerprint, open, total, ...times, task, `${describe(group)}${at}`];
}

function describe({ name, message }: { readonly name: string; readonly message: string }): string {
  const text = oneLine(`${name}: ${message}`);
  return text.length > longestError ? `${text.slice(0, longestError - 1)}…` : text;
}
