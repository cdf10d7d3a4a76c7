import { Job, type JobJson } from 'bullmq';
import type { RawJob } from './job-message.ts';
import type { Lease } from './lease.ts';

/** Ends a job as its settlement says; answers with the next job's raw data, when `fetchNext` asked for one. */
export type Settle = (fetchNext: boolean) => Promise<unknown>;

/** A job of BullMQ that a worker took, with its data left as text: reading them is guarded elsewhere. */
export class TaskJob extends Job {
  raw: RawJob = { id: '', name: undefined, data: undefined, timestamp: 0 };
  lease: Lease | undefined;
  #settle: Settle | undefined;

  /** A job of what BullMQ read. Nothing of it is trusted, and nothing is parsed that could throw. */
  static take(queue: ConstructorParameters<typeof Job>[0], json: JobJson, id: string): TaskJob {
    const job = new TaskJob(queue, json.name, {}, {}, id);
    job.raw = { id, name: json.name, data: json.data, timestamp: json.timestamp };
    job.stalledCounter = json.stalledCounter ?? 0;
    job.attemptsStarted = json.attemptsStarted ?? 0;
    if (json.deferredFailure) job.deferredFailure = json.deferredFailure;
    return job;
  }

  settleWith(settle: Settle): void {
    this.#settle = settle;
  }

  /** BullMQ's worker calls this when a job ends; how it ends is our settlement's business. */
  override async moveToCompleted(
    _value: unknown,
    _token: string,
    fetchNext = true,
  ): ReturnType<Job['moveToCompleted']> {
    return (await this.#settle?.(fetchNext)) as Awaited<ReturnType<Job['moveToCompleted']>>;
  }
}
