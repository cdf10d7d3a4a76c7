import type { Lovage } from '../app/app.ts';
import { runtimeOf } from '../app/app-runtime.ts';
import { addStats, type MinuteStats, minuteMs, percentile, type RunCounts } from '../history/minute-stats.ts';
import { type Duration, parseDuration } from '../options/duration.ts';

/** How the attempts of one task in one queue ended, and how long they waited and ran. Times in milliseconds. */
export interface TaskStats extends RunCounts {
  readonly task: string;
  readonly queue: string;
  /** The half, and 95 of 100, waited and ran no longer than that; undefined when none ended. */
  readonly waitP50: number | undefined;
  readonly waitP95: number | undefined;
  readonly runP50: number | undefined;
  readonly runP95: number | undefined;
}

/** Statistics of the last minutes, this one included, by task and queue, the busiest first. Empty where no history is kept. */
export async function taskStats(
  app: Lovage,
  { over = '5m' }: { readonly over?: Duration } = {},
): Promise<readonly TaskStats[]> {
  const { stores, clock } = runtimeOf(app);
  const { history } = await stores.open();
  const now = Math.floor(clock.now() / minuteMs);
  const from = now - Math.ceil(parseDuration(over, 'taskStats: over') / minuteMs) + 1;
  const sums = new Map<string, MinuteStats>();
  for (const stats of (await history?.minutes(from, now + 1)) ?? []) {
    const key = JSON.stringify([stats.task, stats.queue]);
    const there = sums.get(key);
    sums.set(key, there ? addStats(there, stats) : stats);
  }
  return [...sums.values()].sort((a, b) => b.busy - a.busy).map(toTaskStats);
}

function toTaskStats({ task, queue, succeeded, failed, retried, revoked, wait, run }: MinuteStats): TaskStats {
  return {
    ...{ task, queue, succeeded, failed, retried, revoked },
    waitP50: percentile(wait, 0.5),
    waitP95: percentile(wait, 0.95),
    runP50: percentile(run, 0.5),
    runP95: percentile(run, 0.95),
  };
}
