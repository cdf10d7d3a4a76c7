import { BrokerUnavailableError, type Clock, type Message, PublishError, sleep } from '@lovage/core/driver';
import { batchWrites } from '../batch-writes.ts';
import type { RedisClient } from '../connection.ts';
import type { Keys } from '../keys.ts';
import { isConnectionError, toBrokerError, wasNotSent } from '../store-errors.ts';
import { Deadline, type StoreLink } from '../store-link.ts';
import { createTaskBackend, type TaskBackend } from './backend-hook.ts';
import type { JobFields } from './job-message.ts';

/** Entries BullMQ keeps of a queue's event stream; its default of 10,000 costs up to 1 MB a queue for nobody here. */
const maxEvents = 1_000;
/** Between two tries on a connection that is there but not ready to serve (loading, failing over), in milliseconds. */
const pause = 50;

/** A message on its way, encoded when it was handed over: its owner may change it afterwards. */
export interface Parcel {
  readonly message: Message;
  readonly job: JobFields;
}

/**
 * Adds messages to BullMQ queues.
 *
 * Each message is one `addJob` of BullMQ's backend, with data already encoded. Calls of one turn of the event loop leave
 * in one write, so publishing concurrently needs no batch. Measured (medians of five interleaved rounds of 2,000, one
 * process on a shared 2-core machine): `Queue.add` 24,900–27,100/s, `addBulk` 25,100–25,600/s, `backend.addJob`
 * 29,700–31,400/s, `backend.addJobs` 32,000/s. The last is a pipeline that says for the whole what went wrong with one:
 * `addJob` tells us message by message which were accepted.
 */
export class Publisher {
  readonly #link: StoreLink;
  readonly #keys: Keys;
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #backends = new Map<string, TaskBackend>();
  readonly #registered = new Map<string, Promise<unknown>>();

  constructor(parts: {
    readonly link: StoreLink;
    readonly keys: Keys;
    readonly clock: Clock;
    readonly timeout: number;
  }) {
    this.#link = parts.link;
    this.#keys = parts.keys;
    this.#clock = parts.clock;
    this.#timeout = parts.timeout;
  }

  /**
   * Resolves when Redis has all of them. After a lost connection it publishes again, marked `mayRepeat` where the first
   * try may have arrived, until `signal` aborts (or the publish timeout passes, without one).
   */
  async publish(parcels: readonly Parcel[], signal: AbortSignal | undefined): Promise<void> {
    const deadline = new Deadline(this.#clock, signal ?? this.#timeout, () => this.#late(parcels, signal));
    const refused = new Map<string, Error>();
    let pending = parcels;
    try {
      while (pending.length > 0) {
        pending = await this.#try(pending, deadline, refused);
        if (pending.length > 0) await sleep(this.#clock, pause);
      }
    } catch (error) {
      for (const { message } of pending) refused.set(message.id, toBrokerError(error, this.#link.display, message.id));
    } finally {
      deadline.clear();
    }
    reject(refused, parcels.length);
  }

  /** Tries once; returns those to be tried again. Rejects when the deadline passes. */
  async #try(parcels: readonly Parcel[], deadline: Deadline, refused: Map<string, Error>): Promise<readonly Parcel[]> {
    deadline.check();
    const client = this.#link.readyClient ?? (await this.#link.ready(deadline));
    batchWrites(client);
    const adding = parcels.map(({ message, job }) => this.#add(client, message.queue, job));
    const results = await deadline.race(Promise.allSettled(adding));
    const again: Parcel[] = [];
    for (const [index, result] of results.entries()) {
      const parcel = parcels[index] as Parcel;
      if (result.status === 'fulfilled') continue;
      if (isConnectionError(result.reason)) again.push(wasNotSent(result.reason) ? parcel : marked(parcel));
      else refused.set(parcel.message.id, toBrokerError(result.reason, this.#link.display, parcel.message.id));
    }
    return again;
  }

  async #add(client: RedisClient, queue: string, job: JobFields): Promise<void> {
    const backend = this.#backend(client, queue);
    const registered = this.#registered.get(queue);
    const added = backend.addJob({ ...job, opts: { ...job.opts } } as Parameters<TaskBackend['addJob']>[0], job.id, {});
    if (!registered) return added.then(() => {});
    await Promise.all([added, registered]);
    this.#registered.set(queue, known);
  }

  #backend(client: RedisClient, queue: string): TaskBackend {
    if (!this.#registered.has(queue)) this.#register(client, queue);
    const made = this.#backends.get(queue);
    if (made) return made;
    const backend = createTaskBackend(this.#keys.bullQueue(queue), { connection: client, prefix: this.#keys.bull });
    backend.on('error', () => {}); // the client has a listener of ours
    this.#backends.set(queue, backend);
    return backend;
  }

  /** Remembers the queue, and bounds its event stream: once per process and queue, in the write of its first message. */
  #register(client: RedisClient, queue: string): void {
    const writes = [
      client.sadd(this.#keys.queues, queue),
      client.hset(this.#keys.job(queue, 'meta'), 'opts.maxLenEvents', maxEvents),
    ];
    const done = Promise.all(writes);
    this.#registered.set(queue, done);
    done.catch(() => this.#registered.delete(queue)); // with the next message
  }

  #late([only, ...others]: readonly Parcel[], signal: AbortSignal | undefined): Error {
    const waited = signal
      ? 'did not accept the message in time'
      : `did not accept the message within ${this.#timeout} ms`;
    return this.#link.unavailable(waited, others.length === 0 ? only?.message.id : undefined);
  }
}

const known: Promise<undefined> = Promise.resolve(undefined);

/** The first try may have arrived, and even have been run and removed: the worker has to look before it runs this one. */
function marked({ message, job }: Parcel): Parcel {
  if (message.mayRepeat) return { message, job };
  const data = JSON.stringify({ ...(JSON.parse(job.data) as object), mayRepeat: true });
  return { message: { ...message, mayRepeat: true }, job: { ...job, data } };
}

function reject(refused: ReadonlyMap<string, Error>, all: number): void {
  if (refused.size === 0) return;
  const errors = [...refused.values()];
  const [first] = errors;
  const alike = errors.every((error) => error.constructor === first?.constructor);
  if (refused.size === all && alike) throw first ?? new BrokerUnavailableError('nothing was accepted');
  throw new PublishError(refused);
}
