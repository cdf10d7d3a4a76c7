import type { StampedHeaders, StampedRevocation } from '@lovage/core';
import { type ExitCode, usageError } from '../../exit-code.ts';
import { describeSilence, type FleetArguments, readFleet } from '../../options/fleet-options.ts';
import { readDuration } from '../../options/read-duration.ts';
import { printData, printJson, printNote } from '../../output/print.ts';
import { withApp } from '../with-app.ts';
import { withoutRefusals } from './ask-workers.ts';

/** What `lovage control revoke --stamp` and `lovage control lift` were given. */
export interface StampArguments extends FleetArguments {
  readonly stamp?: string | readonly string[];
  readonly terminate?: boolean;
  readonly expires?: string;
}

/** Takes back what carries these stamps or headers, now and until the rule expires. */
export async function revokeStamped(given: StampArguments): Promise<ExitCode> {
  const headers = readStamps(given.stamp);
  const expires = readDuration(given.expires, '--expires');
  if (given.destination !== undefined) throw usageError('--stamp holds for every worker: leave out --destination');
  const { timeout } = readFleet(given);
  const options = { timeout, terminate: given.terminate ?? false, ...(expires === undefined ? {} : { expires }) };
  return withApp(given, async ({ app }) => {
    const found = await app.control.revokeByStampedHeaders(headers, options);
    if (given.json) printJson(found);
    else print(found, given.terminate ? 'broke off' : 'revoked, and lets run to its end,');
    if (Object.keys(found.running).length === 0) {
      printNote(`${describeSilence({ timeout })}: they follow the rule within 10 s`);
    }
    return 0;
  });
}

function print({ waiting, running }: StampedRevocation, did: string): void {
  for (const id of waiting) printData(`revoked ${id}`);
  for (const [worker, ids] of Object.entries(withoutRefusals(running))) {
    for (const id of [ids].flat()) printData(`${worker} ${did} ${id}`);
  }
}

/** Takes such a rule back; exit 1 when there was none. */
export async function liftStamped(given: StampArguments): Promise<ExitCode> {
  const headers = readStamps(given.stamp);
  return withApp(given, async ({ app }) => {
    const lifted = await app.control.liftStampedHeaders(headers);
    if (given.json) printJson({ lifted });
    else printNote(lifted === 1 ? 'lifted 1 rule' : `lifted ${lifted} rules`);
    return lifted > 0 ? 0 : 1;
  });
}

/** `customer=42` means the number and the text, since nobody can tell which one was stamped. */
export function readStamps(given: StampArguments['stamp']): StampedHeaders {
  const headers: Record<string, (string | number | boolean)[]> = {};
  for (const text of [given ?? []].flat()) {
    const equals = text.indexOf('=');
    if (equals < 1) throw usageError(`--stamp: expected name=value, received "${text}"`);
    const value = text.slice(equals + 1);
    headers[text.slice(0, equals)] = [...(headers[text.slice(0, equals)] ?? []), value, ...otherReadings(value)];
  }
  if (Object.keys(headers).length === 0) throw usageError('expected --stamp name=value');
  return headers;
}

function otherReadings(value: string): readonly (number | boolean)[] {
  if (value === 'true' || value === 'false') return [value === 'true'];
  const number = Number(value);
  return value.trim() !== '' && Number.isFinite(number) ? [number] : [];
}
