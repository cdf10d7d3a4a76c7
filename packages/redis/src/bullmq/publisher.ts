import { type Clock, type Message, sleep } from '@lovage/core/driver';
import { batchWrites } from '../batch-writes.ts';
import type { RedisClient } from '../connection.ts';
import type { Keys } from '../keys.ts';
import { accept, type Call, refuse, type Sent } from '../publish-call.ts';
import { isConnectionError, toBrokerError, wasNotCarriedOut } from '../store-errors.ts';
import { Deadline, type StoreLink } from '../store-link.ts';
import { createTaskBackend } from './create-task-backend.ts';
import type { JobFields } from './job-message.ts';
import { claimQueue } from './queue-owner.ts';
import type { TaskBackend } from './task-backend.ts';

/** So many calls of one tick leave at once: Redis works on them, and a worker begins, while the rest is still being encoded. */
const mostAtOnce = 500;
/** Between two tries on a connection that is there but not ready to serve (loading, failing over), in milliseconds. */
const pause = 50;

/** A message on its way, encoded when it was handed over: its owner may change it afterwards. */
export interface OutgoingEntry {
  readonly message: Message;
  readonly job: JobFields;
}

/** A parcel of a call that is under way. */
interface Adding extends Sent {
  outgoing: OutgoingEntry;
}

/** Calls of one tick that share a deadline. */
interface Batch {
  readonly signal: AbortSignal | undefined;
  readonly adding: Adding[];
  sent: boolean;
  /** Why the last try failed that is made again. */
  refusal?: unknown;
}

/**
 * Adds messages to BullMQ queues.
 *
 * Each message is one `addJob` of BullMQ's backend, with data already encoded. Calls of one turn of the event loop leave
 * in few writes, under one deadline, so publishing concurrently needs no script of its own. Measured (medians of five interleaved rounds of 2,000, one
 * process on a shared 2-core machine): `Queue.add` 24,900–27,100/s, `addBulk` 25,100–25,600/s, `backend.addJob`
 * 29,700–31,400/s, `backend.addJobs` 32,000/s. The last is a pipeline that says for the whole what went wrong with one:
 * `addJob` tells us message by message which were accepted.
 */
export class Publisher {
  readonly #link: StoreLink;
  readonly #keys: Keys;
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #queueEvents: boolean;
  readonly #backends = new Map<string, TaskBackend>();
  readonly #registered = new Map<string, Promise<unknown>>();
  #open: Batch | undefined;

  constructor(parts: {
    readonly link: StoreLink;
    readonly keys: Keys;
    readonly clock: Clock;
    readonly timeout: number;
    readonly queueEvents: boolean;
  }) {
    this.#link = parts.link;
    this.#keys = parts.keys;
    this.#clock = parts.clock;
    this.#timeout = parts.timeout;
    this.#queueEvents = parts.queueEvents;
  }

  /**
   * Resolves when Redis has all of them. After a lost connection it publishes again, marked `mayRepeat` where the first
   * try may have arrived, until `signal` aborts (or the publish timeout passes, without one).
   */
  publish(outgoingEntries: readonly OutgoingEntry[], signal: AbortSignal | undefined): Promise<void> {
    const all = outgoingEntries.length;
    if (all === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const call: Call = { left: all, all, refused: undefined, resolve, reject };
      const batch = this.#batchOf(signal);
      for (const outgoing of outgoingEntries)
        batch.adding.push({ id: outgoing.message.id, outgoing, call, over: false });
      if (batch.adding.length >= mostAtOnce) this.#send(batch);
    });
  }

  #batchOf(signal: AbortSignal | undefined): Batch {
    if (this.#open && this.#open.signal === signal) return this.#open;
    const batch: Batch = { signal, adding: [], sent: false };
    this.#open = batch;
    process.nextTick(() => this.#send(batch));
    return batch;
  }

  #send(batch: Batch): void {
    if (batch.sent) return;
    batch.sent = true;
    if (this.#open === batch) this.#open = undefined;
    void this.#run(batch); // never rejects
  }

  async #run(batch: Batch): Promise<void> {
    const deadline = new Deadline(this.#clock, batch.signal ?? this.#timeout, () => this.#late(batch));
    let pending: readonly Adding[] = batch.adding;
    try {
      while (pending.length > 0) {
        pending = await this.#try(pending, deadline, batch);
        if (pending.length > 0) await sleep(this.#clock, pause);
      }
    } catch (error) {
      for (const one of pending) {
        const only = one.call.all === 1 ? one.id : undefined;
        refuse(one, deadline.passed ? this.#late(batch, only) : toBrokerError(error, this.#link.display, one.id));
      }
    } finally {
      deadline.clear();
    }
  }

  /** Tries once; returns those to be tried again. Rejects when the deadline passes. */
  async #try(adding: readonly Adding[], deadline: Deadline, batch: Batch): Promise<readonly Adding[]> {
    deadline.check();
    const client = this.#link.readyClient ?? (await this.#link.ready(deadline));
    const again: Adding[] = [];
    const repeat = (one: Adding, error: unknown): void => {
      batch.refusal = error;
      again.push(one);
    };
    if (adding.length > 1) batchWrites(client, 'together');
    await deadline.race(Promise.all(adding.map((one) => this.#add(client, one, repeat))));
    return again;
  }

  #add(client: RedisClient, one: Adding, repeat: (one: Adding, error: unknown) => void): Promise<void> {
    batchWrites(client);
    const { message, job } = one.outgoing;
    const failed = (error: unknown): void => {
      if (!isConnectionError(error)) {
        refuse(one, toBrokerError(error, this.#link.display, one.id));
        return;
      }
      if (!wasNotCarriedOut(error)) one.outgoing = marked(one.outgoing);
      repeat(one, error);
    };
    return this.#addJob(client, message.queue, job).then(() => accept(one), failed);
  }

  #addJob(client: RedisClient, queue: string, job: JobFields): Promise<unknown> {
    const backend = this.#backend(client, queue);
    const registered = this.#registered.get(queue) ?? this.#register(client, queue);
    if (registered === known) return backend.addTask(job);
    return registered.then(() => {
      batchWrites(client);
      return backend.addTask(job);
    });
  }

  #backend(client: RedisClient, queue: string): TaskBackend {
    const made = this.#backends.get(queue);
    if (made) return made;
    const backend = createTaskBackend(this.#keys.bullQueue(queue), { connection: client, prefix: this.#keys.bull });
    backend.queueEvents = this.#queueEvents;
    backend.on('error', () => {}); // the client has a listener of ours
    this.#backends.set(queue, backend);
    return backend;
  }

  /** Marks the queue as Lovage's and remembers it: once per process and queue, before its first message. */
  #register(client: RedisClient, queue: string): Promise<unknown> {
    const done = claimQueue(client, { keys: this.#keys, queue }).then(async () => {
      await client.sadd(this.#keys.queues, queue);
      this.#registered.set(queue, known);
    });
    this.#registered.set(queue, done);
    done.catch(() => this.#registered.delete(queue)); // with the next message
    return done;
  }

  #late({ signal, refusal }: Batch, taskId?: string): Error {
    const waited = signal
      ? 'did not accept the message in time'
      : `did not accept the message within ${this.#timeout} ms`;
    return this.#link.unavailable(waited, { refusal, ...(taskId === undefined ? {} : { taskId }) });
  }
}

const known: Promise<undefined> = Promise.resolve(undefined);

/** The first try may have arrived, and even have been run and removed: the worker has to look before it runs this one. */
function marked({ message, job }: OutgoingEntry): OutgoingEntry {
  if (message.mayRepeat) return { message, job };
  const data = JSON.stringify({ ...(JSON.parse(job.data) as object), mayRepeat: true });
  return { message: { ...message, mayRepeat: true }, job: { ...job, data } };
}
