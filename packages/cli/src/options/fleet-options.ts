import { formatDuration } from '@lovage/core/driver';
import type { GlobalArguments } from '../command.ts';
import { readDuration } from './read-duration.ts';

/** Whom a command asks, and for how long. */
export interface FleetArguments extends GlobalArguments {
  readonly destination?: string | readonly string[];
  readonly timeout?: string;
}

/** {@link FleetArguments} as core takes them. */
export interface FleetQuestion {
  readonly destination?: readonly string[];
  /** Milliseconds. */
  readonly timeout: number;
}

const usualTimeout = 1_000;

/** Reads whom to ask; `-d a -d b` and `-d a,b` alike. Throws a usage error. */
export function readFleet({ destination, timeout }: FleetArguments): FleetQuestion {
  const names = splitList(destination);
  return { timeout: readDuration(timeout, '--timeout') ?? usualTimeout, ...(names ? { destination: names } : {}) };
}

/** `a,b` and several of them as one list; undefined when nothing was given. */
export function splitList(given: string | readonly string[] | undefined): readonly string[] | undefined {
  if (given === undefined) return undefined;
  return [given]
    .flat()
    .flatMap((text) => text.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** For people: whom nobody answered. */
export function describeSilence({ destination, timeout }: FleetQuestion): string {
  const fleet = destination === undefined ? 'no worker' : `no worker named ${destination.join(', ')}`;
  return `${fleet} answered within ${formatDuration(timeout)}`;
}
