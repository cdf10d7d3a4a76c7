import { resolve } from 'node:path';
import {
  type ForeignJob,
  type ImportedCall,
  type ImportReport,
  Inspector,
  type JobMapping,
} from '@lovage/core/inspect';
import { importModule } from '../../app/import-module.ts';
import type { GlobalArguments } from '../../command.ts';
import { type ExitCode, usageError } from '../../exit-code.ts';
import { printData, printJson, printNote } from '../../output/print.ts';
import { withApp } from '../with-app.ts';

/** What `lovage import bullmq` was given. */
export interface ImportArguments extends GlobalArguments {
  readonly queue: string;
  readonly move?: boolean;
  readonly map?: string;
  readonly to?: string;
}

const shownJobs = 20;
const longestData = 80;

/** Shows the jobs that would be moved, or moves them. */
export async function importBullmq(given: ImportArguments): Promise<ExitCode> {
  const { queue, move = false, to, json } = given;
  const map = given.map === undefined ? undefined : await readMapping(given.map);
  return withApp(given, async ({ app }) => {
    let shown = 0;
    const onJob = (job: ForeignJob, call: ImportedCall): void => {
      shown += 1;
      if (!json && shown <= shownJobs) printData(describe(job, call));
    };
    const options = { dryRun: !move, onJob, ...(map ? { map } : {}), ...(to === undefined ? {} : { to }) };
    const report = await new Inspector(app).importJobs(queue, options);
    if (json) printJson({ queue, dryRun: !move, ...report });
    else printReport(report, move);
    return 0;
  });
}

function printReport(report: ImportReport, move: boolean): void {
  if (report.moved > shownJobs) printData(`… and ${report.moved - shownJobs} more`);
  printData(`${move ? 'moved' : 'would move'} ${report.moved} jobs, ${report.left} stay`);
  for (const note of notesOf(report, move)) printNote(note);
}

async function readMapping(path: string): Promise<JobMapping> {
  const { default: map } = await importModule(resolve(path));
  if (typeof map !== 'function') throw usageError(`--map ${path}: the module exports no function by default`);
  return map as JobMapping;
}

function describe({ id, name, data, dueAt }: ForeignJob, { task, args }: ImportedCall): string {
  const shown = JSON.stringify(args);
  const cut = shown.length > longestData ? `${shown.slice(0, longestData)}…` : shown;
  const due = dueAt === undefined ? '' : `  due ${new Date(dueAt).toISOString()}`;
  return `job ${id} ${name} → ${task} ${data === undefined ? '' : cut}${due}`;
}

function notesOf({ running, parents, schedulers }: ImportReport, move: boolean): readonly string[] {
  return [
    ...(running > 0 && !move ? [`${running} jobs run: end the BullMQ workers before --move`] : []),
    ...(parents > 0 ? [`${parents} jobs wait for children of a flow: let them end under BullMQ`] : []),
    ...Object.entries(schedulers).map(([id, rule]) => `job scheduler "${id}" (${rule}): declare it with app.schedule`),
  ];
}
