import { Inspector, type WaitingTask } from '@lovage/core/inspect';
import type { GlobalArguments } from '../../command.ts';
import type { ExitCode } from '../../exit-code.ts';
import { readCount } from '../../options/read-count.ts';
import { printData, printJson, printNote } from '../../output/print.ts';
import { formatTable } from '../../output/table.ts';
import { withApp } from '../with-app.ts';

/** Characters of a task's arguments in the table, and in JSON. */
const longestCell = 80;
const longestArgs = 10_000;

/** What `lovage queues peek` was given. */
export interface PeekArguments extends GlobalArguments {
  readonly queue: string;
  readonly count: string;
}

/** Prints the next tasks of a queue. */
export async function peekQueue(given: PeekArguments): Promise<ExitCode> {
  const limit = readCount(given.count, '--count');
  return withApp(given, async ({ app }) => {
    const tasks = await new Inspector(app).peek(given.queue, { limit });
    if (given.json) printJson(tasks.map(capped));
    else if (tasks.length === 0) printNote(`no task waits in queue ${given.queue}`);
    else printData(formatTable(['id', 'task', 'priority', 'retries', 'sent', 'arguments'], tasks.map(row)));
    return 0;
  });
}

function row({ id, task, priority, retries, sentAt, args }: WaitingTask): readonly (string | number)[] {
  return [id, task, priority, retries, new Date(sentAt).toISOString(), shorten(JSON.stringify(args), longestCell)];
}

/** Long arguments are given as the beginning of their JSON, with the length of the whole. */
function capped(task: WaitingTask): object {
  const text = JSON.stringify(task.args);
  if (text.length <= longestArgs) return task;
  return { ...task, args: shorten(text, longestArgs), argsLength: text.length };
}

function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}
