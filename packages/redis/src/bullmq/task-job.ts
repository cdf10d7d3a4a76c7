import type { GrantedSlot } from '@lovage/core/driver';
import type { JobJson } from 'bullmq';
import type { RawJob } from './job-message.ts';
import type { Lease } from './lease.ts';

/** Ends a job as its settlement says; answers with the next job's raw data, when `fetchNext` asked for one. */
export type Settle = (fetchNext: boolean) => Promise<unknown>;

/** A job of ours has no options of BullMQ's but its priority, which only its scripts read. */
const options = { attempts: 0 };

/**
 * A job of BullMQ that a worker took, with its data left as text: reading them is guarded elsewhere. It has no more of BullMQ's
 * `Job` than is needed to end it: to make one takes longer than all the rest of reading a job.
 */
export class TaskJob {
  readonly id: string;
  readonly opts: { readonly attempts: number } = options;
  readonly raw: RawJob;
  readonly stalledCounter: number;
  readonly attemptsStarted: number;
  /** How often it ended as failed: above 0, somebody has put it back since. */
  readonly attemptsMade: number;
  readonly deferredFailure: string | undefined;
  token: string;
  lease: Lease | undefined;
  /** The place it was handed, where this is the activation that it is good for. */
  grant: GrantedSlot | undefined;

  /** A job of what BullMQ read. Nothing of it is trusted, and nothing is parsed that could throw. */
  constructor(json: JobJson, id: string, token: string) {
    this.id = id;
    this.token = token;
    this.raw = { id, name: json.name, data: json.data, timestamp: json.timestamp };
    this.stalledCounter = json.stalledCounter ?? 0;
    this.attemptsStarted = json.attemptsStarted ?? 0;
    this.attemptsMade = json.attemptsMade ?? 0;
    this.deferredFailure = json.deferredFailure || undefined;
    this.lease = undefined;
    this.grant = undefined;
  }
}
