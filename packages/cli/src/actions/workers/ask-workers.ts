import type { Lovage } from '@lovage/core';
import { CommandError, type ExitCode } from '../../exit-code.ts';
import { describeSilence, type FleetArguments, type FleetQuestion, readFleet } from '../../options/fleet-options.ts';
import { paint } from '../../output/paint.ts';
import { printJson, printLine } from '../../output/print.ts';
import { redact } from '../../output/redact.ts';
import { withApp } from '../with-app.ts';

/** What each worker answered, by its name. */
export type Answers = Readonly<Record<string, unknown>>;

/** A question to the workers. */
export interface Question {
  ask(app: Lovage, fleet: FleetQuestion): Promise<Answers>;
  /** Prints the answers of those who did not refuse, for people. */
  show(answers: Answers): void;
}

/**
 * Asks the workers and prints what they say; who refuses is told on stderr. Exit 0 when at least one did what it was
 * asked, 1 when none did or none answered.
 */
export async function askWorkers(given: FleetArguments, { ask, show }: Question): Promise<ExitCode> {
  const fleet = readFleet(given);
  return withApp(given, async ({ app }) => {
    const all = await ask(app, fleet);
    if (given.json) printJson(all);
    const answers = withoutRefusals(all);
    if (Object.keys(all).length === 0) throw new CommandError(describeSilence(fleet), { exitCode: 1 });
    if (!given.json && Object.keys(answers).length > 0) show(answers);
    return Object.keys(answers).length > 0 ? 0 : 1;
  });
}

/** The answers that are none of refusals, which go to stderr. */
export function withoutRefusals(all: Answers): Answers {
  const kept: Record<string, unknown> = {};
  for (const [worker, answer] of Object.entries(all)) {
    const refusal = refusalOf(answer);
    if (refusal === undefined) kept[worker] = answer;
    else printLine(`${paint('red', 'error:')} ${redact(`${worker}: ${refusal}`)}`);
  }
  return kept;
}

/** Core reports a refusal as an answer of nothing but `error`. */
function refusalOf(answer: unknown): string | undefined {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) return undefined;
  const { error, ...rest } = answer as { readonly error?: unknown };
  return typeof error === 'string' && Object.keys(rest).length === 0 ? error : undefined;
}
