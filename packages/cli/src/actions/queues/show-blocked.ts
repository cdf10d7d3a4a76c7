import { Inspector, type QueueCounts } from '@lovage/core/inspect';
import type { OpenedApp } from '../../app/open-app.ts';
import { CommandError, type ExitCode } from '../../exit-code.ts';
import { describeSilence, type FleetArguments, type FleetQuestion, readFleet } from '../../options/fleet-options.ts';
import { printData, printJson, printNote } from '../../output/print.ts';
import { formatTable } from '../../output/table.ts';
import { withApp } from '../with-app.ts';

/**
 * Celery's workers hold fetched and timed tasks in memory; here both wait in the broker, which is asked. `-d` narrows it
 * to the queues of those workers.
 */
export async function showBlocked(given: FleetArguments, place: 'waiting' | 'delayed'): Promise<ExitCode> {
  const fleet = readFleet(given);
  return withApp(given, async (opened) => {
    const queues = await countsFor(opened, fleet);
    const held = queues.map((counts) => ({ queue: counts.queue, [place]: counts[place] }));
    if (given.json) printJson(held);
    else if (held.length === 0) printNote('no queues yet: they appear with their first task');
    else
      printData(
        formatTable(
          ['queue', place],
          queues.map((counts) => [counts.queue, counts[place]]),
        ),
      );
    return 0;
  });
}

async function countsFor({ app }: OpenedApp, fleet: FleetQuestion): Promise<readonly QueueCounts[]> {
  const inspector = new Inspector(app);
  if (fleet.destination === undefined) return sorted(await inspector.queues());
  const reports = Object.values(await app.inspect.stats(fleet));
  if (reports.length === 0) throw new CommandError(describeSilence(fleet), { exitCode: 1 });
  return sorted(await inspector.queues([...new Set(reports.flatMap(({ queues }) => queues ?? []))]));
}

function sorted(queues: readonly QueueCounts[]): readonly QueueCounts[] {
  return [...queues].sort((a, b) => a.queue.localeCompare(b.queue));
}
