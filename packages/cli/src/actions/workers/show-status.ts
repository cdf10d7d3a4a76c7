import { Inspector, type WorkerReport } from '@lovage/core/inspect';
import type { GlobalArguments } from '../../command.ts';
import type { ExitCode } from '../../exit-code.ts';
import { readDuration } from '../../options/read-duration.ts';
import { printData, printJson, printNote } from '../../output/print.ts';
import { formatTable } from '../../output/table.ts';
import { printQueues } from '../queues/show-queues.ts';
import { withApp } from '../with-app.ts';

/** What `lovage status` was given. */
export interface StatusArguments extends GlobalArguments {
  readonly timeout?: string;
}

/** Prints the workers that answer, then the queues. */
export async function showStatus(given: StatusArguments): Promise<ExitCode> {
  const timeout = readDuration(given.timeout, '--timeout');
  return withApp(given, async ({ app }) => {
    const { workers, queues } = await new Inspector(app).status(timeout === undefined ? {} : { timeout });
    if (given.json) printJson({ workers, queues });
    else {
      printWorkers(workers);
      printQueues(queues);
    }
    return 0;
  });
}

function printWorkers(workers: readonly WorkerReport[]): void {
  if (workers.length === 0) return printNote('no worker answers: start one with lovage worker -A ./tasks.ts');
  const rows = workers.map(({ name, slots, running, queues, counts, uptime, draining }) => {
    return [
      draining ? `${name} (draining)` : name,
      slots,
      running.length,
      counts.succeeded,
      counts.failed,
      queues.join(','),
      `${uptime}s`,
    ];
  });
  printData(`${formatTable(['worker', 'slots', 'running', 'done', 'failed', 'queues', 'up'], rows)}\n`);
}
