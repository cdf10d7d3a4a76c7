import type { Failure } from '@lovage/core/driver';
import { RedisQueueBackend, raw2NextJobData, type WorkerOptions } from 'bullmq';
import type { RedisClient } from '../connection.ts';
import {
  type Add,
  addition,
  type Complete,
  completion,
  keysOf,
  type OutcomeArgs,
  type RawArgs,
  runDespiteFull,
  runFinishWithOutcome,
} from '../scripts/bullmq/bull-scripts.ts';
import { jobIdMark } from '../scripts/bullmq/finish-with-outcome.lua.ts';
import type { StoreClock } from '../store-clock.ts';
import { isMemoryError } from '../store-errors.ts';
import { failedExpires } from './failed-expires.ts';
import type { JobFields } from './job-message.ts';
import { sanitizeReply } from './sanitize-reply.ts';
import type { TaskJob } from './task-job.ts';

/** How a job is ended. */
export interface Finish {
  readonly token: string;
  readonly fetchNext: boolean;
  readonly outcome: OutcomeArgs | undefined;
}

type DelayOptions = NonNullable<Parameters<RedisQueueBackend['moveToDelayed']>[4]>;
/** What BullMQ's backend is given to end; it reads the id and the options, which a {@link TaskJob} has. */
type BullJob = Parameters<RedisQueueBackend['moveToCompletedArgs']>[0];

/** Ended jobs go at once: BullMQ's cheapest retention (12 µs of Redis less than an age and a count). */
const keepNone = { count: 0 };

/** Scripts that must run although Redis is full: those that drain it, and those by which people help. See despite-full. */
const mustRun: ReadonlySet<string> = new Set([
  ...['moveToActive', 'extendLocks', 'moveStalledJobsToWait'],
  ...['cleanJobsInSet', 'pause'],
]);
/** Replies of these scripts hold the next job. */
const takes: ReadonlySet<string> = new Set(['moveToActive', 'moveToFinished', 'moveToDelayed']);
/** Replies of these scripts are the id of the job, or a negative code. BullMQ takes an id such as `-5.5` for a code. */
const addsJob: ReadonlySet<string> = new Set(['addDelayedJob', 'addPrioritizedJob', 'addStandardJob']);
/** And these are told this machine's time by BullMQ; the third is told Redis's, by {@link TaskBackend.delayUntil}. */
const saidLocalTime: ReadonlySet<string> = new Set(['moveToActive', 'moveToFinished']);

/** BullMQ's Redis backend on connections of ours, with replies that it cannot choke on. */
export class TaskBackend extends RedisQueueBackend {
  /** Redis's clock, by which a worker's delayed jobs are due. */
  clock: StoreClock | undefined;

  /** The grants of jobs that were taken, until the worker asks for them. */
  readonly grants: Map<unknown, string> = new Map();

  /** Whether jobs that are added and completed are told to BullMQ's `QueueEvents`. */
  queueEvents = false;

  #addition: Add | undefined;

  /** Adds a message's job. One that is there already is left as it is. */
  async addTask(job: JobFields): Promise<void> {
    const { id, name, data, timestamp, opts } = job;
    if (opts.delay) {
      await this.addJob({ ...job, opts: { ...opts } } as Parameters<RedisQueueBackend['addJob']>[0], id, {});
      return;
    }
    this.#addition ??= await this.#createAddition();
    const key = this.queue.toKey(id);
    const code = await this.#addition(key, [id, name, String(timestamp), String(opts.priority), data]);
    if ((code as number) < 0) throw this.finishedErrors({ code: code as number, jobId: id, command: 'addJob' });
  }

  async #createAddition(): Promise<Add> {
    await this.queue.client; // then BullMQ has defined its scripts on it
    const command = `addPrioritizedJob:${this.version}`;
    const args: RawArgs = this.addPrioritizedJobArgs({ data: '' } as never, '' as never, []);
    const base = this.queue.toKey('').length;
    const keys = args.slice(0, keysOf(this.#client, command)).map((key) => String(key).slice(base));
    return addition(this.#client, command, { keys, events: this.queueEvents });
  }

  /** Completes a job, which then is gone, and stores its outcome. Answers with the next job's raw data. */
  complete(job: TaskJob, how: Finish): Promise<unknown> {
    const { outcome } = how;
    if (outcome) return this.#completeWith(job, how, outcome);
    return this.#finish(
      job,
      how,
      this.moveToCompletedArgs(job as unknown as BullJob, 'null', keepNone, how.token, how.fetchNext),
    );
  }

  async #completeWith({ id }: TaskJob, how: Finish, { keys, args }: OutcomeArgs): Promise<unknown> {
    this.#completion ??= completion(this.#client, `moveToFinished:${this.version}`, {
      keys: this.#keysToFinish(),
      events: this.queueEvents,
    });
    const { lockDuration, name = '' } = this.queue.opts as Partial<WorkerOptions>;
    const now = String(this.now);
    const next = how.fetchNext && !this.queue.closing ? '1' : '0';
    return this.#nextOf(id, await this.#completion(keys, [id, now, next, String(lockDuration), name, ...args]));
  }

  /** The keys that BullMQ gives its script, without the prefix of the queue, and with a mark for the job's own. */
  #keysToFinish(): readonly string[] {
    const job = { id: jobIdMark, opts: {} } as BullJob;
    const base = this.queue.toKey('').length;
    const args: RawArgs = this.moveToCompletedArgs(job, 'null', keepNone, '', false);
    const keys = args.slice(0, keysOf(this.#client, `moveToFinished:${this.version}`));
    const own = this.queue.toKey(jobIdMark);
    return keys.map((key) => (key === own ? jobIdMark : String(key).slice(base)));
  }

  /** Fails a job for good, and stores its outcome. It stays in BullMQ's `failed` set, where its tools show it, with `keep` of its kind. */
  fail(job: TaskJob, how: Finish & { readonly failure: Failure; readonly keep: number }): Promise<unknown> {
    const reason = `${how.failure.name}: ${how.failure.message}`;
    const fields = { failedReason: reason, stacktrace: JSON.stringify([how.failure.stack ?? reason]) };
    const keep = how.keep > 0 ? { age: failedExpires / 1000, count: how.keep } : keepNone;
    return this.#finish(
      job,
      how,
      this.moveToFailedArgs(job as unknown as BullJob, reason, keep, how.token, how.fetchNext, fields),
    );
  }

  /**
   * Takes an active job back until a moment of Redis's clock, and spends no attempt of BullMQ's. The script adds the delay to the time
   * that it is told, so both come of one look at the clock: a second one may be a millisecond later, and what is due a millisecond
   * before `blockedUntil` is not held, but lost until then.
   */
  delayUntil(id: string, at: number, token: string, options: Omit<DelayOptions, 'skipAttempt'> = {}): Promise<unknown> {
    const { now } = this;
    return this.moveToDelayed(id, now, Math.max(0, Math.ceil(at) - now), token, { ...options, skipAttempt: true });
  }

  #completion: Complete | undefined;

  async #finish({ id }: TaskJob, { outcome }: Finish, args: RawArgs): Promise<unknown> {
    if (!outcome) return this.moveToFinished(id, args as Parameters<RedisQueueBackend['moveToFinished']>[1]);
    const client = this.#client;
    const command = `moveToFinished:${this.version}`;
    return this.#nextOf(id, await runFinishWithOutcome(client, command, this.#toRedis(command, args), outcome));
  }

  /** The next job's raw data, of the reply to a job's end. */
  #nextOf(id: string, ended: unknown): unknown {
    const reply = this.#toLocal(sanitizeReply(ended, this.grants));
    if ((reply as number) < 0) {
      throw this.finishedErrors({ code: reply as number, jobId: id, command: 'moveToFinished', state: 'active' });
    }
    return raw2NextJobData(reply as Parameters<typeof raw2NextJobData>[0]);
  }

  #despiteFull(name: string, args: RawArgs, error: unknown): Promise<unknown> {
    if (!isMemoryError(error)) throw error;
    return runDespiteFull(this.#client, `${name}:${this.version}`, args);
  }

  get #client(): RedisClient {
    return this.queue.opts.connection as RedisClient; // createTaskBackend is given one
  }

  /** The mark of a delayed job says when it is due, by Redis's clock. */
  override async waitForJob(blockTimeout: number): ReturnType<RedisQueueBackend['waitForJob']> {
    const mark = await super.waitForJob(blockTimeout);
    return mark && mark.score > 0 ? { ...mark, score: mark.score - this.#ahead } : mark;
  }

  get #ahead(): number {
    return this.clock?.ahead ?? 0;
  }

  /** Redis's time, epoch milliseconds, as far as it is known. */
  get now(): number {
    return Date.now() + this.#ahead;
  }

  /** BullMQ tells scripts this machine's time, as their second argument; they compare it with when jobs are due. */
  #toRedis<T extends RawArgs>(command: string, args: T): T {
    const ahead = this.#ahead;
    if (ahead === 0) return args;
    const moved = [...args];
    const at = keysOf(this.#client, command) + 1;
    moved[at] = Number(moved[at]) + ahead;
    return moved as unknown as T; // the same, but for one number
  }

  /** And they answer with when the next one is due. */
  #toLocal(reply: unknown): unknown {
    const ahead = this.#ahead;
    if (ahead === 0 || !Array.isArray(reply) || !(Number(reply[3]) > 0)) return reply;
    reply[3] = Number(reply[3]) - ahead;
    return reply;
  }

  /** Every script of BullMQ passes here. */
  override execCommand(
    client: Parameters<RedisQueueBackend['execCommand']>[0],
    name: string,
    // biome-ignore lint/suspicious/noExplicitAny: the signature is BullMQ's
    args: any[],
    // biome-ignore lint/suspicious/noExplicitAny: the signature is BullMQ's
  ): any {
    const moments = saidLocalTime.has(name) ? this.#toRedis(`${name}:${this.version}`, args) : args;
    let reply = super.execCommand(client, name, moments);
    if (addsJob.has(name)) reply = reply.then((added: unknown) => (typeof added === 'number' ? added : `job ${added}`));
    if (mustRun.has(name)) reply = reply.catch((error: unknown) => this.#despiteFull(name, args, error));
    return takes.has(name) ? reply.then((taken: unknown) => this.#toLocal(sanitizeReply(taken, this.grants))) : reply;
  }
}
