import { Inspector } from '@lovage/core/inspect';
import type { GlobalArguments } from '../../command.ts';
import type { ExitCode } from '../../exit-code.ts';
import { printData, printJson } from '../../output/print.ts';
import { withApp } from '../with-app.ts';

/** What `lovage queues pause` and `resume` were given. */
export interface PauseArguments extends GlobalArguments {
  readonly queue: string;
}

/** Pauses a queue for every worker there is or will be. */
export async function pauseQueue(given: PauseArguments): Promise<ExitCode> {
  return withApp(given, async ({ app }) => {
    await new Inspector(app).pauseQueue(given.queue);
    return tell(given, true);
  });
}

/** Lets a paused queue go on. */
export async function resumeQueue(given: PauseArguments): Promise<ExitCode> {
  return withApp(given, async ({ app }) => {
    await new Inspector(app).resumeQueue(given.queue);
    return tell(given, false);
  });
}

function tell({ queue, json }: PauseArguments, paused: boolean): ExitCode {
  if (json) printJson({ queue, paused });
  else printData(`${paused ? 'paused' : 'resumed'} queue ${queue}`);
  return 0;
}
