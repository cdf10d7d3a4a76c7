import { Inspector, type QueueCounts } from '@lovage/core/inspect';
import type { GlobalArguments } from '../../command.ts';
import type { ExitCode } from '../../exit-code.ts';
import { printData, printJson, printNote } from '../../output/print.ts';
import { formatTable } from '../../output/table.ts';
import { readInterval, repeat } from '../watch.ts';
import { withApp } from '../with-app.ts';

/** What `lovage queues` was given. */
export interface QueuesArguments extends GlobalArguments {
  readonly names?: readonly string[];
  /** Empty: every 2 s. */
  readonly watch?: string;
}

/** Prints how much stands in each queue. */
export async function showQueues(given: QueuesArguments): Promise<ExitCode> {
  const interval = given.watch === undefined ? undefined : readInterval(given.watch);
  return withApp(given, async ({ app }) => {
    const names = given.names?.length ? given.names : undefined;
    const inspector = new Inspector(app);
    const show = async (): Promise<void> => {
      const queues = await inspector.queues(names);
      if (given.json) printJson(await withAges(inspector, queues));
      else printQueues(queues);
    };
    if (interval === undefined) await show();
    else await repeat(interval, show);
    return 0;
  });
}

/** With `held`, the former name of `blocked`, for this release; and with `oldest`: for how many milliseconds the oldest of the waiting has been ready; null when none waits. */
async function withAges(inspector: Inspector, queues: readonly QueueCounts[]): Promise<readonly object[]> {
  const ages = await inspector.oldest(queues.map(({ queue }) => queue));
  return queues.map((counts, index) => ({ ...counts, held: counts.blocked, oldest: ages[index] ?? null }));
}

/** The table of queues; in their absence a remark. */
export function printQueues(queues: readonly QueueCounts[]): void {
  if (queues.length === 0) return printNote('no queues yet: they appear with their first task');
  const sorted = [...queues].sort((a, b) => a.queue.localeCompare(b.queue));
  const rows = sorted.map(({ queue, waiting, delayed, blocked, running, dead, paused }) => [
    queue,
    waiting,
    delayed,
    blocked,
    running,
    dead,
    paused ? 'paused' : '',
  ]);
  const heads = ['queue', 'waiting', 'delayed', 'blocked', 'running', 'dead'];
  const some = sorted.some(({ paused }) => paused);
  printData(
    some
      ? formatTable([...heads, ''], rows)
      : formatTable(
          heads,
          rows.map((row) => row.slice(0, -1)),
        ),
  );
}
