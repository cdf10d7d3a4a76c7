import {
  type Delivery,
  type Failure,
  type GrantedSlot,
  MalformedMessageError,
  type MaybePromise,
  type Message,
  retry,
  type Settled,
  type Settlement,
  toFailure,
} from '@lovage/core/driver';
import type { Keys } from '../keys.ts';
import { settleRule } from '../settle-rule.ts';
import { StartLog } from '../start-log.ts';
import { type JobContent, readJob, unreadable } from './job-message.ts';
import type { Lease } from './lease.ts';
import type { ConsumerParts } from './parts.ts';
import type { QueueWorker } from './queue-worker.ts';
import { unreadablePrefix } from './sanitize-reply.ts';
import { type Ending, isStale, release, type SettleContext, StaleSettlementError, settle } from './settle.ts';
import type { Settle, TaskJob } from './task-job.ts';

/** A job that crashed its workers so often before anyone could read it is not read any more. */
const maxUnreadCrashes = 20;

/** A delivery under way. */
export interface Running {
  readonly queue: string;
  readonly worker: QueueWorker;
  readonly job: TaskJob;
  readonly lease: Lease;
  /** `running`: with its receiver. `settling`: answered. `handedBack`: taken from its receiver, whose answer is void. */
  state: 'running' | 'settling' | 'handedBack';
}

/** Gives jobs to their receiver and carries out the answers. */
export class DeliveryRunner {
  readonly running: Set<Running> = new Set();
  /** Called whenever a delivery has ended. */
  onEnd: () => void = () => {};
  readonly #parts: ConsumerParts;
  readonly #endings = new WeakMap<Running, () => void>();
  #closing = false;
  #handedBack = 0;

  constructor(parts: ConsumerParts) {
    this.#parts = parts;
  }

  /** Jobs that were taken while the consumer closed, and went back at once. */
  get handedBack(): number {
    return this.#handedBack;
  }

  /** How many deliveries are with their receivers. */
  get busy(): number {
    let busy = 0;
    for (const { state } of this.running) if (state === 'running') busy += 1;
    return busy;
  }

  /** From now on a job that still arrives goes back. */
  close(): void {
    this.#closing = true;
  }

  /** Resolves when this delivery has ended. */
  async ended(running: Running): Promise<void> {
    if (!this.running.has(running)) return;
    await new Promise<void>((resolve) => this.#endings.set(running, resolve));
  }

  /** The life of one delivery; resolves with the next job, when the settlement fetched one along. */
  async run(queue: string, job: TaskJob, worker: QueueWorker): Promise<TaskJob | undefined> {
    const lease = job.lease as Lease; // the worker gives every job one
    const running: Running = { queue, worker, job, lease, state: 'running' };
    this.running.add(running);
    try {
      if (this.#closing) return await this.#returnUnspent(running);
      return await this.#deliver(running);
    } finally {
      this.running.delete(running);
      this.#endings.get(running)?.();
      this.onEnd();
    }
  }

  /** Hands a job back unspent. False when the store could not be told. */
  async handBack(running: Running): Promise<boolean> {
    running.state = 'handedBack';
    running.worker.leases.drop(running.lease);
    try {
      await release(running, this.#context(running));
      return true;
    } catch {
      return false; // reported as abandoned: its lease will run out
    } finally {
      running.lease.lose();
    }
  }

  async #returnUnspent(running: Running): Promise<undefined> {
    if (await this.handBack(running)) this.#handedBack += 1;
    return undefined;
  }

  async #deliver(running: Running): Promise<TaskJob | undefined> {
    const { job, worker, queue, lease } = running;
    const content = read(job, queue);
    const delivery = content.message && new TaskDelivery(content.message, running, this.#parts.keys);
    const answer = delivery ? this.#answer(delivery) : this.#answerUnreadable(running, content);
    const settlement = answer instanceof Promise ? await answer : answer;
    if (running.state === 'handedBack' || !settlement) return undefined;
    running.state = 'settling';
    const ending: Ending = { job, lease, settlement, message: content.message, parked: false, full: false };
    const context = this.#context(running);
    const carryOut: Settle = (fetchNext) => this.#settle(ending, context, fetchNext);
    if (!delivery?.settled) return worker.settle(job, carryOut);
    return worker.settle(job, (fetchNext) => tell(delivery, settlement, carryOut(fetchNext)));
  }

  /** The receiver's answer. Without one the job is left alone: its lease runs out, and it comes again. */
  #answer(delivery: Delivery): MaybePromise<Settlement | undefined> {
    try {
      const answer = this.#parts.deliver(delivery);
      return answer instanceof Promise ? answer.catch((error: unknown) => this.#noAnswer(error)) : answer;
    } catch (error) {
      return this.#noAnswer(error);
    }
  }

  async #answerUnreadable({ queue }: Running, content: JobContent): Promise<Settlement | undefined> {
    if (content.message) return undefined; // which has a delivery
    const { message: _none, ...parts } = content;
    try {
      return await this.#parts.request.malformed({ queue, ...parts });
    } catch (error) {
      return this.#noAnswer(error);
    }
  }

  #noAnswer(error: unknown): undefined {
    const { onError } = this.#parts.request;
    onError(error instanceof Error ? error : new Error('a delivery failed', { cause: error }));
  }

  /** What only a failure needs is made by the first one: on the way of every task a promise costs a microsecond. */
  async #settle(ending: Ending, context: SettleContext, fetchNext: boolean): Promise<unknown> {
    try {
      return await settle(ending, context, fetchNext);
    } catch (error) {
      return this.#settleAgain(error, ending, context, fetchNext);
    }
  }

  #settleAgain(first: unknown, ending: Ending, context: SettleContext, fetchNext: boolean): Promise<unknown> {
    const { clock, request } = this.#parts;
    const { leaseDuration, onError } = request;
    const rule = settleRule({ client: context.client, leaseDuration, now: () => performance.now(), onError });
    let settling: Promise<unknown> | undefined = Promise.reject(first);
    return retry(clock, rule, undefined, async () => {
      try {
        return await (settling ?? settle(ending, context, fetchNext));
      } catch (error) {
        settling = undefined;
        if (isStale(error)) return this.#stale(ending);
        throw error; // in the end the lease brings the job back
      }
    });
  }

  #stale({ job, lease }: Ending): undefined {
    this.#parts.request.onError(new StaleSettlementError(job.id));
    lease.lose();
    return undefined;
  }

  #context({ queue, worker }: Running): SettleContext {
    const { keys, ended, retention } = this.#parts;
    return { backend: worker.backend, client: worker.client, keys, queue, ended, retention };
  }
}

function read(job: TaskJob, queue: string): JobContent {
  const lost = crashLoop(job);
  if (lost) return unreadable({ ...job.raw, data: undefined }, lost); // reading its data may be what kills workers
  const failure = deferredFailure(job);
  return failure ? unreadable(job.raw, failure) : readJob(job.raw, queue);
}

/** BullMQ (a flow's parent, another worker's limit) or tame-reply has said already that this job cannot be run. */
function deferredFailure({ deferredFailure: text }: TaskJob): Failure | undefined {
  if (!text) return undefined;
  if (!text.startsWith(unreadablePrefix)) return { name: 'Error', message: text };
  return toFailure(new MalformedMessageError(text.slice(unreadablePrefix.length)));
}

function crashLoop({ stalledCounter }: TaskJob): Failure | undefined {
  if (stalledCounter <= maxUnreadCrashes) return undefined;
  return toFailure(
    new MalformedMessageError(`the job was lost with its worker ${stalledCounter} times: it is not read again`),
  );
}

/** Settles as `settling` does, and tells the delivery unless its lease was lost. */
async function tell(delivery: TaskDelivery, { kind }: Settlement, settling: Promise<unknown>): Promise<unknown> {
  const next = await settling;
  if (!delivery.lost) delivery.settled?.(kind === 'ack' || kind === 'deadLetter');
  return next;
}

class TaskDelivery implements Delivery {
  readonly message: Message;
  readonly queue: string;
  readonly deliveryCount: number;
  readonly #running: Running;
  readonly #keys: Keys;
  /** Told when it is settled. */
  settled: Settled | undefined;

  constructor(message: Message, running: Running, keys: Keys) {
    this.message = message;
    this.queue = running.queue;
    // BullMQ counts in `stc` how often a job was found without its lock; moving it (a retry, a release) leaves that alone
    this.deliveryCount = 1 + running.job.stalledCounter;
    this.#running = running;
    this.#keys = keys;
  }

  onLeaseLost(listener: () => void): void {
    this.#running.lease.onLost(listener);
  }

  recordStart(): Promise<number> {
    return this.#starts.record({ id: this.message.id, deliveryCount: this.deliveryCount });
  }

  async undoStart(): Promise<void> {
    if (!this.lost) await this.#starts.undo({ id: this.message.id, deliveryCount: this.deliveryCount });
  }

  get #starts(): StartLog {
    return new StartLog(this.#running.worker.client, this.#keys);
  }

  /** BullMQ counts in `ats` how often a job was taken. */
  get returned(): boolean {
    return this.#running.job.attemptsStarted > 1;
  }

  get putBack(): boolean {
    return this.#running.job.attemptsMade > 0;
  }

  get grant(): GrantedSlot | undefined {
    return this.deliveryCount === 1 ? this.#running.job.grant : undefined;
  }

  get lost(): boolean {
    return this.#running.lease.lost;
  }

  onSettled(listener: Settled): void {
    this.settled = listener;
  }
}
