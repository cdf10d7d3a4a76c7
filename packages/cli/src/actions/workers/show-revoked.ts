import { type Lovage, NotSupportedError } from '@lovage/core';
import { formatDuration } from '@lovage/core/driver';
import type { ExitCode } from '../../exit-code.ts';
import { describeSilence, type FleetArguments, readFleet } from '../../options/fleet-options.ts';
import { printData, printJson, printNote } from '../../output/print.ts';
import { formatTable } from '../../output/table.ts';
import { withApp } from '../with-app.ts';
import { withoutRefusals } from './ask-workers.ts';

type Rules = Awaited<ReturnType<Lovage['inspect']['revokedStamps']>>;

/** The stamps that are revoked, which the broker knows, and the tasks that workers broke off. Exit 1 when no worker answered. */
export async function showRevoked(given: FleetArguments): Promise<ExitCode> {
  const fleet = readFleet(given);
  return withApp(given, async ({ app }) => {
    const [stamps, workers] = await Promise.all([rulesOf(app), app.inspect.revoked(fleet)]);
    if (given.json) printJson({ stamps, workers });
    else {
      if (stamps.length > 0) showRules(stamps);
      showBroken(withoutRefusals(workers));
    }
    if (Object.keys(workers).length > 0) return 0;
    printNote(describeSilence(fleet));
    return 1;
  });
}

async function rulesOf(app: Lovage): Promise<Rules> {
  try {
    return await app.inspect.revokedStamps();
  } catch (error) {
    if (error instanceof NotSupportedError) return [];
    throw error;
  }
}

function showRules(rules: Rules): void {
  const rows = rules.map(({ stamp, value, terminate, expiresAt }) => [
    `${stamp}=${value}`,
    terminate ? 'yes' : 'no',
    formatDuration(Math.max(0, Math.round((expiresAt - Date.now()) / 1000) * 1000)),
  ]);
  printData(formatTable(['stamp', 'terminate', 'holds for'], rows));
}

function showBroken(answers: Readonly<Record<string, unknown>>): void {
  const rows = Object.entries(answers).flatMap(([worker, ids]) => [ids].flat().map((id) => [worker, String(id)]));
  if (rows.length > 0) printData(formatTable(['worker', 'broken off'], rows));
  else if (Object.keys(answers).length > 0) printNote('no worker has broken a task off');
}
