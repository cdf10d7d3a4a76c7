import { type BroadcastReply, ConfigurationError } from '@lovage/core';
import type { GlobalArguments } from '../../command.ts';
import { type ExitCode, usageError } from '../../exit-code.ts';
import { parseArguments } from '../../options/parse-arguments.ts';
import { printData, printJson, printNote } from '../../output/print.ts';
import { formatTable } from '../../output/table.ts';
import { withApp } from '../with-app.ts';

/** What `lovage broadcast` was given. */
export interface BroadcastArguments extends GlobalArguments {
  readonly task: string;
  readonly args?: readonly string[];
  readonly queue?: string;
  readonly timeout?: string;
}

/** Runs a task on every worker of a queue: 0 when all of them answered well, else 1. */
export async function broadcast(given: BroadcastArguments): Promise<ExitCode> {
  return withApp(given, async ({ app, settings }) => {
    const known = settings.get('conf.broadcastQueues')?.value;
    const queue = given.queue ?? onlyOf(Array.isArray(known) ? known : []);
    const sent = await app.broadcast(given.task, parseArguments(given.args ?? []), { queue });
    const replies = await sent.replies({ timeout: given.timeout ?? '10s' });
    print(replies, given.json ?? false);
    return Object.values(replies).every((reply) => 'value' in reply) ? 0 : 1;
  });
}

function onlyOf(queues: readonly string[]): string {
  const [only, ...others] = queues;
  if (only !== undefined && others.length === 0) return only;
  const known = queues.length === 0 ? 'the app has none: conf.broadcastQueues' : queues.join(', ');
  throw usageError('broadcast: which queue? --queue', { cause: new ConfigurationError(known) });
}

function print(replies: Readonly<Record<string, BroadcastReply>>, json: boolean): void {
  const entries = Object.entries(replies).sort(([a], [b]) => (a < b ? -1 : 1));
  if (json) return printJson(Object.fromEntries(entries.map(([worker, reply]) => [worker, plain(reply)])));
  if (entries.length === 0) return printNote('no worker consumes this queue now');
  printData(
    formatTable(
      ['worker', 'answer'],
      entries.map(([worker, reply]) => [worker, textOf(reply)]),
    ),
  );
}

function plain(reply: BroadcastReply): object {
  return 'value' in reply ? { value: reply.value ?? null } : { error: `${reply.error.name}: ${reply.error.message}` };
}

function textOf(reply: BroadcastReply): string {
  return 'value' in reply ? JSON.stringify(reply.value ?? null) : `${reply.error.name}: ${reply.error.message}`;
}
