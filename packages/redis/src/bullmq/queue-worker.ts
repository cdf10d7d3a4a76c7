import { type Job, type JobJson, Worker, type WorkerOptions } from 'bullmq';
import type { RedisClient, RedisClients } from '../connection.ts';
import type { StoreClock } from '../store-clock.ts';
import { isConnectionError } from '../store-errors.ts';
import { readJobGrant } from '../stores/grant.ts';
import { taskBackendFactory } from './create-task-backend.ts';
import { Lease, LeaseKeeper } from './lease.ts';
import type { Slots } from './slots.ts';
import type { TaskBackend } from './task-backend.ts';
import { type Settle, TaskJob } from './task-job.ts';

/** How long an idle worker's blocking read lasts, in seconds: with the orphan check, its only commands (P11). */
const longestIdleRead = 5;
/** Crash loops are bounded by the receiver, which counts deliveries; BullMQ's own limit would fail a job behind its back. */
const maxStalledCount = 1_000_000;
/** The longest pause between two fetches that failed, or that a rate limit of BullMQ's turned down, in milliseconds. */
const fetchPause = 250;
/** Between two questions whose queue it is, while Redis does not say, or says that it is not Lovage's; in milliseconds. */
const claimPause = 1_000;

/** What a queue's worker is made of. */
export interface QueueWorkerParts {
  /** The queue's name, as BullMQ has it. */
  readonly name: string;
  /** What the tokens of its locks begin with. */
  readonly holder: string;
  readonly client: RedisClient;
  readonly options: Pick<WorkerOptions, 'prefix' | 'lockDuration' | 'stalledInterval'> & { readonly name: string };
  readonly clients: RedisClients;
  readonly blocking: RedisClient;
  readonly storeClock: StoreClock;
  /** Whether BullMQ's `QueueEvents` are told of every job. */
  readonly queueEvents: boolean;
  readonly slots: Slots;
  /** Runs a job and ends it; answers with the next one, when one was fetched along. */
  readonly run: (job: TaskJob, worker: QueueWorker) => Promise<TaskJob | undefined>;
  /** Whether the queue is one to take jobs from; asked until it is. Never rejects. */
  readonly mayFetch: () => Promise<boolean>;
  /** Goes on with the count of the worker whose place it takes. @default from nought */
  readonly pollCount?: PollCount;
  readonly onError: (error: Error) => void;
}

/** How often a queue was asked for jobs and has answered. */
export interface PollCount {
  answered: number;
}

/**
 * BullMQ's worker on one queue, driven by a loop of ours in BullMQ's manual mode (`getNextJob`). Its own loop fetches
 * before there is a slot, renews locks by job id, and its `close()` need not end; what is used of it is the fetch, the
 * orphan check, and the settlement that fetches the next job along.
 */
export class QueueWorker extends Worker {
  declare backend: TaskBackend;
  readonly leases: LeaseKeeper;
  readonly pollCount: PollCount;
  /** Whether jobs may still come in. */
  fetching = true;
  readonly #parts: QueueWorkerParts;
  #gate: PromiseWithResolvers<void> | undefined;
  #fetching = true;
  #loop: Promise<void> = Promise.resolve();
  #fetches = 0;
  #waker: NodeJS.Timeout | undefined;
  readonly #longestRead: number;

  constructor(parts: QueueWorkerParts) {
    const longestRead = parts.clients.longestRead / 1000;
    const options = {
      ...parts.options,
      connection: parts.client,
      drainDelay: Math.min(longestIdleRead, longestRead),
      maxStalledCount,
      autorun: false,
      skipLockRenewal: true,
    };
    super(parts.name, undefined, options, taskBackendFactory(parts));
    this.#parts = parts;
    this.pollCount = parts.pollCount ?? { answered: 0 };
    this.#longestRead = longestRead;
    this.on('error', (error) => this.#report(error));
    const renew = (ids: string[], tokens: string[]): Promise<string[]> =>
      this.extendJobLocks(ids, tokens, parts.options.lockDuration as number);
    this.leases = new LeaseKeeper(renew, parts.options.lockDuration as number, parts.onError);
  }

  /** The connection it takes and settles jobs on. */
  get client(): RedisClient {
    return this.#parts.client;
  }

  /** Whether it takes jobs at this moment. */
  get taking(): boolean {
    return this.#fetching && this.#gate === undefined;
  }

  /** How often its queue has answered; undefined while there is no reason to ask. */
  get polls(): number | undefined {
    return this.taking && !this.#isLimited() ? this.pollCount.answered : undefined;
  }

  start(): void {
    for (const client of [this.client, this.#parts.blocking]) client.on('ready', this.#onReady);
    this.startStalledCheckTimer().catch((error: Error) => this.#report(error));
    this.#loop = this.#fetchLoop();
  }

  /** Stops taking jobs until {@link unhold}. Orphans are looked for all the same. */
  hold(): void {
    this.#gate ??= withResolvers();
  }

  unhold(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  /** Takes nothing more; resolves when nothing is being taken any more. Jobs under way go on. */
  async stopFetching(): Promise<void> {
    if (this.#fetching) {
      this.#fetching = false;
      this.unhold();
      this.#parts.slots.cancel(this.name);
      this.#parts.clients.end(this.#parts.blocking); // ends the blocking read: it cannot be asked to stop
    }
    await this.#loop;
    this.fetching = false;
    this.#putMarkerBack().catch(() => {}); // the read that was cut may have eaten it
  }

  /** Ends what is left. BullMQ's own close has nothing to wait for: it runs no jobs and owns no connection. */
  finish(): void {
    this.#fetching = false;
    clearTimeout(this.#waker);
    this.client.off('ready', this.#onReady);
    this.leases.close();
    this.#parts.slots.cancel(this.name);
    this.#parts.clients.end(this.#parts.blocking);
    this.close(true).catch((error: Error) => this.#report(error));
  }

  /**
   * Ends a job by its settlement, and takes the next one along if it may keep its slot. What BullMQ does in `handleCompleted`,
   * without its events and with a promise in place of five.
   */
  async settle({ token }: TaskJob, settle: Settle): Promise<TaskJob | undefined> {
    if (this.backend.closing) return undefined;
    const ended = await settle(this.taking && this.#parts.slots.mayKeep(this.name) && !this.closing);
    if (!Array.isArray(ended)) return undefined;
    const [data, id, limitDelay, delayUntil] = ended as [JobJson | undefined, string, number, number];
    this.#own.updateDelays(limitDelay, delayUntil);
    if (!data) {
      this.#own.drained = true;
      return undefined;
    }
    this.pollCount.answered += 1;
    return this.#take(data, id, token);
  }

  #take(data: JobJson, id: string, token: string): TaskJob {
    this.#own.drained = false;
    const job = new TaskJob(data, id, token);
    const { grants } = this.backend;
    if (grants.size > 0) {
      job.grant = readJobGrant(grants.get(id) ?? '', job.attemptsStarted);
      grants.delete(id);
    }
    return job;
  }

  /** Fields of BullMQ's worker that are private to its types only. */
  get #own(): BullWorker {
    return this as unknown as BullWorker;
  }

  /**
   * Redis may have given the mark that says there are jobs to the connection that died: the read that is sent again would
   * wait its whole time beside them. The mark costs one fetch that may find nothing.
   */
  readonly #onReady = (): void => {
    if (this.#fetching) this.#putMarkerBack().catch(() => {}); // lost again: the next connection comes this way too
  };

  /** How long a read lasts that waits for a delayed job, in seconds. */
  override get maximumBlockTimeout(): number {
    return Math.min(super.maximumBlockTimeout, this.#longestRead);
  }

  /** As BullMQ's own, without its look for a repeatable job, which costs each job three promises: a job of ours never is one. */
  protected override async nextJobFromJobData(
    data?: JobJson,
    id?: string,
    token?: string,
  ): ReturnType<Worker['nextJobFromJobData']> {
    if (!data || id === undefined) return super.nextJobFromJobData(data, id, token);
    return this.#take(data, id, token ?? '') as unknown as Job; // handed through by BullMQ to our own loop
  }

  /** The fetch. It waits for a slot first: what is fetched can be run. */
  protected override async moveToActive(token: string, name?: string): Promise<Job> {
    if (!(await this.#parts.slots.take(this.name))) return this.#putMarkerBack();
    let job: Job | undefined;
    try {
      if (!this.taking) return await this.#putMarkerBack();
      job = await super.moveToActive(token, name);
      this.pollCount.answered += 1;
      return job;
    } finally {
      if (!job) this.#parts.slots.release();
    }
  }

  /** The blocking read has eaten the mark that says there are jobs: it is put back for another worker. */
  async #putMarkerBack(): Promise<Job> {
    if (this.client.status === 'ready') await this.client.zadd(this.toKey('marker'), 0, '0');
    return undefined as unknown as Job; // as BullMQ's own returns when there is no job
  }

  async #fetchLoop(): Promise<void> {
    let empty = 0;
    while (this.#fetching && !(await this.#parts.mayFetch())) await pause(claimPause);
    while (this.#fetching) {
      await this.#gate?.promise;
      if (!this.#fetching) return;
      const began = performance.now();
      try {
        const job = await this.getNextJob(`${this.#parts.holder}${this.#fetches++}`);
        if (job) {
          empty = 0;
          void this.#chain(job as unknown as TaskJob); // never rejects
          continue;
        }
      } catch (error) {
        this.#report(error as Error);
      }
      // One empty answer sends BullMQ into its blocking read, and so does one that says when a delayed job is due. Several
      // others at once: a failure, a rate limit, a paused worker.
      const dueIn = this.#dueIn();
      this.#wakeIn(dueIn);
      empty = performance.now() - began < 5 && dueIn <= 0 ? empty + 1 : 0;
      if (empty > 2 && this.#fetching) await pause(Math.min(fetchPause, 2 ** empty));
    }
  }

  /**
   * An idle Redis looks at the timeouts of blocking reads only every 100 ms (its `hz`), so a delayed job would start up to that
   * much late: when it is due, the mark that ends the read is set by us.
   */
  #wakeIn(ms: number): void {
    clearTimeout(this.#waker);
    if (ms <= 0 || ms > 2 ** 31 - 1 || !this.#fetching) return;
    this.#waker = setTimeout(() => {
      if (this.client.status === 'ready') this.client.zadd(this.toKey('marker'), 0, '0').catch(() => {}); // the read's own timeout serves
    }, ms);
  }

  /** Whether a rate limit of BullMQ's own holds the queue. */
  #isLimited(): boolean {
    return this.#own.isRateLimited();
  }

  /** Milliseconds until the next delayed job that BullMQ knows of. */
  #dueIn(): number {
    return this.#own.blockUntil - Date.now();
  }

  /** Runs a job and those that are fetched along with its settlements, on one slot. */
  async #chain(first: TaskJob): Promise<void> {
    let job: TaskJob | undefined = first;
    try {
      while (job) {
        job.lease ??= new Lease(job.id, job.token);
        this.leases.keep(job.lease);
        const next: TaskJob | undefined = await this.#parts.run(job, this);
        this.leases.drop(job.lease);
        job = next;
      }
    } catch (error) {
      if (job?.lease) this.leases.drop(job.lease); // not settled: the lease runs out and the job comes again
      this.#report(error as Error);
    } finally {
      this.#parts.slots.release();
    }
  }

  #report(error: Error): void {
    if (!this.#fetching && isConnectionError(error)) return; // we cut the connection ourselves
    this.#parts.onError(error);
  }
}

interface BullWorker {
  drained: boolean;
  readonly blockUntil: number;
  isRateLimited(): boolean;
  updateDelays(limitDelay: number, delayUntil: number): void;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

function withResolvers(): PromiseWithResolvers<void> {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
