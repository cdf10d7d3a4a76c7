import { Inspector, type WorkerReport } from '@lovage/core/inspect';
import type { GlobalArguments } from '../../command.ts';
import type { ExitCode } from '../../exit-code.ts';
import { readDuration } from '../../options/read-duration.ts';
import { compileTagFilter } from '../../options/tag-filter.ts';
import { printData, printJson, printNote } from '../../output/print.ts';
import { formatTable } from '../../output/table.ts';
import { printQueues } from '../queues/show-queues.ts';
import { withApp } from '../with-app.ts';

/** What `lovage status` was given. */
export interface StatusArguments extends GlobalArguments {
  readonly timeout?: string;
  readonly tag?: string;
}

/** Prints the workers that answer, then the queues. */
export async function showStatus(given: StatusArguments): Promise<ExitCode> {
  const timeout = readDuration(given.timeout, '--timeout');
  const fits = compileTagFilter(given.tag);
  return withApp(given, async ({ app }) => {
    const status = await new Inspector(app).status(timeout === undefined ? {} : { timeout });
    const { queues } = status;
    const workers = status.workers.map((worker) => {
      return { ...worker, running: worker.running.filter(({ tags }) => fits(tags)) };
    });
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
