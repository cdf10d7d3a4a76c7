import { processOf } from './history.ts';
import type { Entry } from './ledger.ts';

/** A run as a stretch of time: to its end, or to the death of its process. */
export interface Stretch {
  readonly key: string;
  readonly from: number;
  readonly to: number;
}

/** The runs of these ledgers, in the order in which they began. */
export function stretchesOf(entries: readonly Entry[]): readonly Stretch[] {
  const ends = new Map<string, number>();
  const deaths = new Map<string, number>();
  for (const { kind, key, run = '', at } of entries) {
    if (kind === 'END') ends.set(run, at);
    if (kind === 'FAULT' && key === 'kill') deaths.set(run, at);
  }
  return entries.flatMap(({ kind, key, run = '', at }) =>
    kind === 'START'
      ? [{ key, from: at, to: ends.get(run) ?? deaths.get(processOf(run)) ?? Number.POSITIVE_INFINITY }]
      : [],
  );
}

/** The most of these that went on at one moment. */
export function mostAtOnce(stretches: readonly Stretch[]): number {
  const steps = stretches.flatMap(({ from, to }) => [
    { at: from, by: 1 },
    { at: to, by: -1 },
  ]);
  steps.sort((one, other) => one.at - other.at || one.by - other.by); // an end before a begin of the same moment
  let now = 0;
  let most = 0;
  for (const { by } of steps) {
    now += by;
    most = Math.max(most, now);
  }
  return most;
}

/** How many of these began while one before them went on, and how many after a later one had begun. */
export function disorder(
  stretches: readonly Stretch[],
  nthOf: (key: string) => number,
): { readonly overlaps: number; readonly inversions: number } {
  let overlaps = 0;
  let inversions = 0;
  let latest = Number.NEGATIVE_INFINITY;
  let busyUntil = Number.NEGATIVE_INFINITY;
  for (const { key, from, to } of stretches) {
    if (from < busyUntil) overlaps += 1;
    if (nthOf(key) < latest) inversions += 1;
    latest = Math.max(latest, nthOf(key));
    busyUntil = Math.max(busyUntil, to);
  }
  return { overlaps, inversions };
}
