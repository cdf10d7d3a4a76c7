import { setTimeout as sleep } from 'node:timers/promises';
import { readDuration } from '../options/read-duration.ts';
import { untilSignal } from '../signal-watch.ts';

const usualInterval = 2_000;

/** How often, in milliseconds; `--watch` alone means 2 s. Throws a usage error. */
export function readInterval(given: string): number {
  return given === '' ? usualInterval : (readDuration(given, '--watch') ?? usualInterval);
}

/** Does something again and again, until a signal; on a terminal each time on a clean screen. */
export async function repeat(interval: number, work: () => Promise<void>): Promise<void> {
  const end = new AbortController();
  void untilSignal().then(() => end.abort());
  while (!end.signal.aborted) {
    if (process.stdout.isTTY) process.stdout.write('\u001b[H\u001b[2J');
    await work();
    await sleep(interval, undefined, { signal: end.signal }).catch(() => undefined); // it ends
  }
}
