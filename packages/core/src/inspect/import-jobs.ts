import type { Lovage } from '../app/app.ts';
import { ConfigurationError } from '../errors.ts';
import type { ForeignJob, ForeignJobPage, ForeignQueue, ForeignRest } from '../message/foreign-queue.ts';
import type { CallOptions } from '../producer/call-options.ts';

/** The task that a job becomes. */
export interface ImportedCall {
  /** The task's name. */
  readonly task: string;
  readonly args: readonly unknown[];
  readonly options?: CallOptions;
}

/** Says what a job becomes; undefined leaves it where it is. */
export type JobMapping = (job: ForeignJob) => ImportedCall | undefined;

/** Options of {@link importJobs}. */
export interface ImportOptions {
  /** @default a task of the job's name, its only argument the job's data */
  readonly map?: JobMapping;
  /** The queue that the tasks go to. @default where the app's routes say */
  readonly to?: string;
  /** Look, and move nothing. @default false */
  readonly dryRun?: boolean;
  /** Called for each job that is moved, or would be. */
  readonly onJob?: (job: ForeignJob, call: ImportedCall) => void;
}

/** What an import did, or would do. */
export interface ImportReport extends ForeignRest {
  readonly moved: number;
  /** Jobs that stay: the mapping gave nothing, or they belong to a flow. */
  readonly left: number;
}

/** Jobs of one round. */
const chunkSize = 200;

/**
 * Moves the jobs that wait in a queue of BullMQ to Lovage: each is sent as a task under an id made of its own, then removed, so an import that
 * was cut off may be run again. Delays stay; `attempts` becomes `maxRetries`. Throws {@link ConfigurationError} where jobs
 * run, and what a call throws.
 */
export async function importJobs(
  app: Lovage,
  queue: string,
  source: ForeignQueue,
  given: ImportOptions = {},
): Promise<ImportReport> {
  const { dryRun = false, to } = given;
  const rest = await source.rest();
  if (!dryRun && rest.running > 0)
    throw new ConfigurationError(
      `queue "${queue}": ${rest.running} jobs run: end the workers of the other program first`,
    );
  if (!dryRun && to === queue) await source.adopt();
  const left = new Set<string>();
  let moved = 0;
  for (let from: number | undefined = 0; from !== undefined; ) {
    const { jobs, next }: ForeignJobPage = await source.jobs(from, chunkSize);
    const calls = callsOf(jobs, given, left);
    if (!dryRun) await moveAll(app, { queue, source, calls, to });
    moved += calls.length;
    from = next === undefined ? undefined : next - (dryRun ? 0 : calls.length); // what was removed is behind no more
  }
  return { ...rest, moved, left: left.size };
}

interface Moving {
  readonly queue: string;
  readonly source: ForeignQueue;
  readonly calls: readonly MappedJob[];
  readonly to: string | undefined;
}

/** Sends first and removes then: what is cut off in between is sent again under the same id. */
async function moveAll(app: Lovage, { queue, source, calls, to }: Moving): Promise<void> {
  for (const { job, call } of calls) await send(app, { queue, job, call, to });
  if (calls.length > 0) await source.remove(calls.map(({ job }) => job.id));
}

interface MappedJob {
  readonly job: ForeignJob;
  readonly call: ImportedCall;
}

/** What the jobs become; those that stay are added to `left`. */
function callsOf(
  jobs: readonly ForeignJob[],
  { map = byName, onJob = () => {} }: ImportOptions,
  left: Set<string>,
): readonly MappedJob[] {
  return jobs.flatMap((job) => {
    const call = job.parent === undefined ? map(job) : undefined;
    if (call === undefined) {
      left.add(job.id);
      return [];
    }
    onJob(job, call);
    return [{ job, call }];
  });
}

function byName({ name, data }: ForeignJob): ImportedCall {
  return { task: name, args: [data] };
}

interface Sending {
  readonly queue: string;
  readonly job: ForeignJob;
  readonly call: ImportedCall;
  readonly to: string | undefined;
}

async function send(app: Lovage, { queue, job, call, to }: Sending): Promise<void> {
  const { attempts } = job.options as { attempts?: unknown };
  const retries = typeof attempts === 'number' ? { maxRetries: Math.max(0, attempts - 1 - job.attemptsMade) } : {};
  await app.sendTask(call.task, call.args, {
    taskId: `bullmq-${queue}-${job.id}`,
    ...(job.dueAt === undefined ? {} : { eta: new Date(job.dueAt) }),
    ...retries,
    ...(to === undefined ? {} : { queue: to }),
    ...call.options,
  });
}
