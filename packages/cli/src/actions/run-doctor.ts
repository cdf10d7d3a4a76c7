import { diagnose, type Finding } from '@lovage/core/inspect';
import type { GlobalArguments } from '../command.ts';
import type { ExitCode } from '../exit-code.ts';
import { paint } from '../output/paint.ts';
import { printData, printJson } from '../output/print.ts';
import { withApp } from './with-app.ts';

const marks = {
  ok: ['green', 'ok'],
  warning: ['yellow', 'warning'],
  problem: ['red', 'problem'],
} as const;

/** What `lovage doctor` was given. */
export interface DoctorArguments extends GlobalArguments {
  readonly strict?: boolean;
}

/** Prints what is wrong, each with its fix; exit 1 when something is. */
export function runDoctor(given: DoctorArguments): Promise<ExitCode> {
  return withApp(given, async ({ app }) => {
    const findings = await diagnose(app);
    if (given.json) printJson(findings);
    else printData(findings.map(format).join('\n'));
    const bad = findings.some(({ state }) => state === 'problem' || (given.strict && state === 'warning'));
    return bad ? 1 : 0;
  });
}

function format({ check, state, message, fix }: Finding): string {
  const [style, word] = marks[state];
  const line = `${paint(style, word.padEnd(8), process.stdout)} ${check.padEnd(12)} ${message}`;
  return fix === undefined ? line : `${line}\n${' '.repeat(22)}${paint('dim', '→', process.stdout)} ${fix}`;
}
