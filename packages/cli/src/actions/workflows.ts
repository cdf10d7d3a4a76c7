import type { RunListOptions, RunStatus, RunStep } from '@lovage/core';
import type { GlobalArguments } from '../command.ts';
import { type ExitCode, usageError } from '../exit-code.ts';
import { parseArguments } from '../options/parse-arguments.ts';
import { readCount } from '../options/read-count.ts';
import { printData, printJson, printNote } from '../output/print.ts';
import { formatTable } from '../output/table.ts';
import { withApp } from './with-app.ts';

/** What `lovage workflow list` was given. */
export interface RunListArguments extends GlobalArguments {
  readonly name?: string;
  readonly state?: string;
  readonly limit?: string;
}

/** What the commands about one run were given. */
export interface RunArguments extends GlobalArguments {
  readonly id: string;
}

/** What `lovage workflow send` was given. */
export interface SendArguments extends RunArguments {
  readonly event: string;
  readonly payload?: string;
  readonly 'event-id'?: string;
}

/** What `lovage workflow fork` was given. */
export interface ForkArguments extends RunArguments {
  readonly from?: string;
  readonly 'new-id'?: string;
}

const longestValue = 60;

/** Prints runs. */
export async function listRuns({ name, state, limit, ...given }: RunListArguments): Promise<ExitCode> {
  return withApp(given, async ({ app }) => {
    const options: RunListOptions = {
      ...(name === undefined ? {} : { name }),
      ...(state === undefined ? {} : { state: state.toUpperCase() as NonNullable<RunListOptions['state']> }), // the app refuses others
      ...(limit === undefined ? {} : { limit: readCount(limit, '--limit') }),
    };
    const runs = await app.workflows.list(options);
    if (given.json) printJson(runs);
    else if (runs.length === 0) printNote('no run');
    else {
      const rows = runs.map((run) => [
        ...[run.id, run.name, run.version ?? '-', run.state],
        new Date(run.updatedAt).toISOString(),
        run.wakeAt === undefined ? '-' : new Date(run.wakeAt).toISOString(),
        short(run.note ?? '-'),
      ]);
      printData(formatTable(['id', 'workflow', 'version', 'state', 'updated', 'wakes', 'note'], rows));
    }
    return 0;
  });
}

/** Prints one run with its timeline. */
export async function showRun(given: RunArguments): Promise<ExitCode> {
  return withApp(given, async ({ app }) => {
    const run = app.run(given.id);
    const status = await run.status();
    const steps = status.startedAt === undefined ? [] : await run.timeline();
    if (given.json) {
      printJson({ ...status, steps });
      return 0;
    }
    printStatus(status, steps);
    return 0;
  });
}

/** Sends an event. */
export async function sendEvent(given: SendArguments): Promise<ExitCode> {
  const [payload] = given.payload === undefined ? [null] : parseArguments([given.payload]);
  return withApp(given, async ({ app }) => {
    const { 'event-id': id } = given;
    await app.run(given.id).send(given.event, payload, id === undefined ? {} : { id });
    printNote(`sent ${given.event} to ${given.id}`);
    return 0;
  });
}

/** Cancels a run. */
export async function cancelRun({ reason, ...given }: RunArguments & { readonly reason?: string }): Promise<ExitCode> {
  return withApp(given, async ({ app }) => {
    await app.run(given.id).cancel(reason);
    printNote(`cancelled ${given.id}`);
    return 0;
  });
}

/** Takes a run up again. */
export async function retryRun(given: RunArguments): Promise<ExitCode> {
  return withApp(given, async ({ app }) => {
    await app.run(given.id).retry();
    printNote(`${given.id} goes on`);
    return 0;
  });
}

/** Forks a run. */
export async function forkRun({ from, 'new-id': newId, ...given }: ForkArguments): Promise<ExitCode> {
  if (from === undefined) throw usageError('workflow fork: --from is missing: the key of a step, see workflow show');
  return withApp(given, async ({ app }) => {
    const fork = await app.run(given.id).fork({ from, ...(newId === undefined ? {} : { id: newId }) });
    if (given.json) printJson({ id: fork.id });
    else printData(fork.id);
    return 0;
  });
}

/** Compares all open runs with the code. */
export async function checkRuns(given: GlobalArguments): Promise<ExitCode> {
  return withApp(given, async ({ app }) => {
    let checked = 0;
    let problems = 0;
    for await (const { id, workflow, version, problem } of app.workflows.check()) {
      checked += 1;
      if (problem) problems += 1;
      if (given.json) printJson({ id, workflow, version: version ?? null, problem: problem?.message ?? null });
      else if (problem) printData(`${id}  ${workflow}  ${problem.message}`);
    }
    printNote(`${checked} open runs checked, ${problems} do not fit`);
    return problems === 0 ? 0 : 1;
  });
}

function printStatus(
  { id, workflow, version, state, startedAt, wakeAt, note, events }: RunStatus,
  steps: readonly RunStep[],
): void {
  printData([id, workflow, ...(version === undefined ? [] : [version]), state].join('  '));
  if (startedAt) printData(`started ${startedAt.toISOString()}${wakeAt ? `, wakes ${wakeAt.toISOString()}` : ''}`);
  if (note !== undefined) printData(note);
  if (steps.length > 0) {
    printData(formatTable(['n', 'at', 'took', 'kind', 'key', 'state', 'outcome'], steps.map(rowOf)));
  }
  for (const { name, payload } of events) printData(`event ${name} waits: ${short(JSON.stringify(payload))}`);
}

function rowOf({ n, at, took, kind, key, state, value, failure }: RunStep): string[] {
  const outcome = failure ? `${failure.name}: ${failure.message}` : value === undefined ? '-' : JSON.stringify(value);
  return [
    String(n ?? '-'),
    at?.toISOString() ?? '-',
    took === undefined ? '-' : `${took}ms`,
    kind,
    key,
    state,
    short(outcome),
  ];
}

function short(text: string): string {
  return text.length > longestValue ? `${text.slice(0, longestValue - 1)}…` : text;
}
