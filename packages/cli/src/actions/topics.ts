import type { Lovage } from '@lovage/core';
import type { GlobalArguments } from '../command.ts';
import { type ExitCode, usageError } from '../exit-code.ts';
import { parseArguments } from '../options/parse-arguments.ts';
import { readCount } from '../options/read-count.ts';
import { printData, printJson, printNote } from '../output/print.ts';
import { formatTable } from '../output/table.ts';
import { untilSignal } from '../signal-watch.ts';
import { withApp } from './with-app.ts';

/** What the commands of `lovage topics` were given. */
export interface TopicArguments extends GlobalArguments {
  readonly group?: string;
  readonly topic?: string;
  readonly payload?: string;
  readonly id?: string;
  readonly pattern?: string;
  readonly count?: string;
}

/** Prints the durable subscriptions. */
export async function listGroups(given: TopicArguments): Promise<ExitCode> {
  return withApp(given, async ({ app }) => {
    const groups = [...(await app.topics.groups())].sort((a, b) => (a.name < b.name ? -1 : 1));
    if (given.json) printJson(groups);
    else if (groups.length === 0) printNote('no durable subscriptions: declare one with app.subscription');
    else {
      const rows = groups.map(({ name, app: owner, pattern, task, queue }) => [name, pattern, task, queue, owner]);
      printData(formatTable(['group', 'pattern', 'task', 'queue', 'app'], rows));
    }
    return 0;
  });
}

/** Deletes one. */
export async function removeGroup(given: TopicArguments): Promise<ExitCode> {
  return withApp(given, async ({ app }) => {
    const group = given.group as string; // yargs asks for it
    if (!(await app.topics.remove(group))) throw usageError(`topics remove: no group "${group}": lovage topics list`);
    printNote(`removed ${group}: what waits in its queue stays`);
    return 0;
  });
}

/** Publishes a message. */
export async function publish(given: TopicArguments): Promise<ExitCode> {
  const [payload] = given.payload === undefined ? [null] : parseArguments([given.payload]);
  return withApp(given, async ({ app }) => {
    const options = given.id === undefined ? {} : { id: given.id };
    const { id, groups } = await app.publish(given.topic as string, payload, options); // yargs asks for it
    if (given.json) printJson({ id, groups });
    else {
      printData(id);
      printNote(groups.length === 0 ? 'no durable subscription takes it' : `a task was sent for ${groups.join(', ')}`);
    }
    return 0;
  });
}

/** Prints what is published until a signal, or until there was so much. */
export async function listen(given: TopicArguments): Promise<ExitCode> {
  const most = given.count === undefined ? Number.POSITIVE_INFINITY : readCount(given.count, '--count');
  return withApp(given, async ({ app }) => {
    const keepAlive = setInterval(() => {}, 2 ** 30); // memory:// has no socket that would
    try {
      await Promise.race([hear(app, given, most), untilSignal()]);
    } finally {
      clearInterval(keepAlive);
    }
    return 0;
  });
}

async function hear(app: Lovage, { pattern = '*', json }: TopicArguments, most: number): Promise<void> {
  let heard = 0;
  let finish = (): void => {};
  const enough = new Promise<void>((resolve) => {
    finish = resolve;
  });
  await app.subscribe(pattern, (payload, { topic, id, at }) => {
    heard += 1;
    if (heard > most) return;
    if (json) printJson({ topic, id, at, payload });
    else printData(`${new Date(at).toISOString()} ${topic} ${JSON.stringify(payload)}`);
    if (heard === most) finish();
  });
  printNote('listening');
  await enough;
}
