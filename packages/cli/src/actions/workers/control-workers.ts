import type { Lovage } from '@lovage/core';
import type { ExitCode } from '../../exit-code.ts';
import { describeSilence, type FleetArguments, type FleetQuestion, readFleet } from '../../options/fleet-options.ts';
import { readAutoscale } from '../../options/read-autoscale.ts';
import { readCount } from '../../options/read-count.ts';
import { readDuration } from '../../options/read-duration.ts';
import { readRate } from '../../options/read-rate.ts';
import { printData, printJson, printNote } from '../../output/print.ts';
import { formatTable } from '../../output/table.ts';
import { withApp } from '../with-app.ts';
import { type Answers, askWorkers, withoutRefusals } from './ask-workers.ts';

/** What `lovage control revoke` was given. */
export interface RevokeArguments extends FleetArguments {
  readonly ids: readonly string[];
  readonly terminate?: boolean;
}

/** Takes tasks back, durably. Where they are also to be broken off, exit 1 when no worker answered. */
export async function revokeTasks(given: RevokeArguments): Promise<ExitCode> {
  const { ids, terminate = false, json } = given;
  const fleet = readFleet(given);
  return withApp(given, async ({ app }) => {
    const answers = await app.control.revoke(ids, { ...fleet, terminate });
    if (json) printJson({ revoked: ids, ...(terminate ? { terminated: answers } : {}) });
    else for (const id of ids) printData(`revoked ${id}`);
    if (!terminate) return 0;
    if (Object.keys(answers).length === 0) {
      printNote(`${describeSilence(fleet)}: a task that runs is not broken off, but its outcome stays REVOKED`);
      return 1;
    }
    const broken = withoutRefusals(answers);
    if (!json) showBroken(broken);
    return Object.keys(broken).length > 0 ? 0 : 1;
  });
}

function showBroken(answers: Answers): void {
  const lines = Object.entries(answers).flatMap(([worker, ids]) =>
    [ids].flat().map((id) => `${worker} broke off ${id}`),
  );
  if (lines.length > 0) printData(lines.join('\n'));
  else printNote('none of them was running');
}

/** What `lovage control rate-limit` was given. */
export interface RateLimitArguments extends FleetArguments {
  readonly task: string;
  readonly rate: string;
}

export function limitRate(given: RateLimitArguments): Promise<ExitCode> {
  const { task } = given;
  const rate = given.rate === 'none' ? null : (readRate(given.rate, 'rate') as string); // it is given
  return tell(given, (app, fleet) => app.control.rateLimit(task, rate, fleet));
}

/** What `lovage control time-limit` was given. */
export interface TimeLimitArguments extends FleetArguments {
  readonly task: string;
  readonly soft?: string;
  readonly hard?: string;
}

export function limitTime(given: TimeLimitArguments): Promise<ExitCode> {
  const soft = readDuration(given.soft, '--soft');
  const hard = readDuration(given.hard, '--hard');
  const limits = { ...(soft === undefined ? {} : { soft }), ...(hard === undefined ? {} : { hard }) };
  return tell(given, (app, fleet) => app.control.timeLimit(given.task, limits, fleet));
}

/** What `lovage control pool-grow` was given. */
export interface ResizeArguments extends FleetArguments {
  readonly n?: string;
}

export function resizePool(given: ResizeArguments, how: 'poolGrow' | 'poolShrink'): Promise<ExitCode> {
  const by = readCount(given.n ?? '1', 'n');
  return tell(
    given,
    (app, fleet) => app.control[how](by, fleet),
    (slots) => `${String(slots)} slots`,
  );
}

/** What `lovage control autoscale` was given. */
export interface AutoscaleArguments extends FleetArguments {
  readonly max: string;
  readonly min: string;
}

export function autoscaleWorkers(given: AutoscaleArguments): Promise<ExitCode> {
  const { max, min } = readAutoscale([given.max, given.min], 'autoscale');
  return tell(given, (app, fleet) => app.control.autoscale(max, min, fleet));
}

/** What `lovage control add-consumer` was given. */
export interface QueueArguments extends FleetArguments {
  readonly queue: string;
}

export function changeQueue(given: QueueArguments, how: 'addConsumer' | 'cancelConsumer'): Promise<ExitCode> {
  return tell(given, (app, fleet) => app.control[how](given.queue, fleet));
}

export function commandWorkers(
  given: FleetArguments,
  how: 'shutdown' | 'enableEvents' | 'disableEvents',
): Promise<ExitCode> {
  return tell(given, (app, fleet) => app.control[how](fleet));
}

function tell(
  given: FleetArguments,
  ask: (app: Lovage, fleet: FleetQuestion) => Promise<Answers>,
  say: (answer: unknown) => string = String,
): Promise<ExitCode> {
  const show = (answers: Answers): void =>
    printData(
      formatTable(
        ['worker', 'answer'],
        Object.entries(answers).map(([worker, answer]) => [worker, say(answer)]),
      ),
    );
  return askWorkers(given, { ask, show });
}
