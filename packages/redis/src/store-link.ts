import { BrokerUnavailableError, type Clock, ClosedError, onAbort, sleep } from '@lovage/core/driver';
import { batchWrites } from './batch-writes.ts';
import { connectMasters, isReady, type RedisClient, type RedisClients, wake } from './connection.ts';
import { isConnectionError, isNotServing, isRefusal, toBrokerError } from './store-errors.ts';

/** Between two tries on a connection that is there but does not serve (loading, failing over), in milliseconds. */
const retryPause = 50;
/** A connection that takes longer is asked whether TLS is what it waits for, in milliseconds. */
const slowConnect = 1_000;

/**
 * The way to Redis for everything that must not wait for ever: one fail-fast connection, waited for until a deadline,
 * with commands repeated after a lost connection where that is harmless.
 */
export class StoreLink {
  readonly display: string;
  readonly clients: RedisClients;
  readonly clock: Clock;
  readonly #timeout: number;
  #coming: Promise<RedisClient> | undefined;
  #ready: RedisClient | undefined;

  constructor(clients: RedisClients, clock: Clock, timeout: number) {
    this.clients = clients;
    this.display = clients.target.display;
    this.clock = clock;
    this.#timeout = timeout;
  }

  /** The client if it is connected at this moment. */
  get readyClient(): RedisClient | undefined {
    return this.#ready && this.#coming === undefined && isReady(this.#ready) ? this.#ready : undefined;
  }

  /** The connected client; rejects at once when the credentials or the database are refused, and when the deadline passes. */
  async ready(deadline: Deadline): Promise<RedisClient> {
    const client = this.readyClient;
    if (client) return client;
    this.#coming ??= this.#connect().finally(() => {
      this.#coming = undefined;
    });
    return this.clients.idleExit.during(deadline.race(this.#coming));
  }

  /**
   * Runs `work` on the connected client, again after a lost connection, until it succeeds or `timeout` passes. For
   * work that may be repeated. Rejects with an error of the catalogue.
   */
  run<T>(work: (client: RedisClient) => Promise<T>, timeout: number = this.#timeout): Promise<T> {
    return this.#run(work, { timeout, repeats: isConnectionError });
  }

  /** As {@link run}, for work that must not be repeated: a lost connection rejects. A server that does not serve is waited for. */
  runOnce<T>(work: (client: RedisClient) => Promise<T>, timeout: number = this.#timeout): Promise<T> {
    return this.#run(work, { timeout, repeats: isNotServing });
  }

  async #run<T>(work: (client: RedisClient) => Promise<T>, { timeout, repeats }: RunOptions): Promise<T> {
    let refusal: unknown;
    const late = (): Error => this.unavailable(`did not answer within ${timeout} ms`, { refusal });
    const deadline = new Deadline(this.clock, timeout, late);
    try {
      for (;;) {
        const client = await this.ready(deadline);
        try {
          batchWrites(client);
          return await deadline.race(work(client));
        } catch (error) {
          if (deadline.passed || !repeats(error)) throw error;
          refusal = error;
        }
        await deadline.race(sleep(this.clock, retryPause));
      }
    } catch (error) {
      throw toBrokerError(error, this.display);
    } finally {
      deadline.clear();
    }
  }

  /** The error of a deadline that passed, with `refusal`, the last reply, or else what was last heard from the connection. */
  unavailable(
    detail: string,
    about: { readonly taskId?: string; readonly refusal?: unknown } = {},
  ): BrokerUnavailableError {
    const { taskId, refusal } = about;
    const cause = isNotServing(refusal) ? (refusal as Error) : this.#ready && this.clients.lastError(this.#ready);
    const reason = cause ? `: ${cause.message || (cause as { code?: string }).code || cause.name}` : '';
    const options = { ...(cause ? { cause } : {}), ...(taskId === undefined ? {} : { taskId }) };
    return new BrokerUnavailableError(`Redis at ${this.display} ${detail}${reason}`, options);
  }

  async #connect(): Promise<RedisClient> {
    const client = await this.clients.shared('commands');
    this.#ready = client;
    if (isReady(client)) return client;
    const { closed } = this.clients;
    const slow = this.clock.after(slowConnect, () => void this.clients.lookAtTls(client), { background: true });
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: unknown): void => {
        client.off('ready', onReady).off('end', onEnd).off('error', onError);
        slow.cancel();
        forget();
        error === undefined ? resolve() : reject(error);
      };
      const onReady = (): void => settle();
      const onEnd = (): void => settle(new ClosedError('the Redis connection'));
      const onError = (error: Error): void => {
        if (isRefusal(error)) settle(toBrokerError(error, this.display));
      };
      client.on('ready', onReady).on('end', onEnd).on('error', onError);
      const forget = onAbort(closed, onEnd);
      const known = this.clients.lastError(client);
      if (client.status === 'end' || closed.aborted) onEnd();
      else if (known && isRefusal(known)) onError(known);
      else wake(client);
    });
    await connectMasters(client);
    return client;
  }
}

interface RunOptions {
  readonly timeout: number;
  /** After which errors the work is done again. */
  readonly repeats: (error: unknown) => boolean;
}

/** A moment after which waiting ends: a timeout, or a caller's signal. */
export class Deadline {
  readonly #late: () => Error;
  readonly #timer: { cancel(): void } | undefined;
  readonly #waiting = new Set<(error: Error) => void>();
  readonly #signal: AbortSignal | undefined;
  #error: Error | undefined;

  constructor(clock: Clock, timeout: number | AbortSignal, late: () => Error) {
    this.#late = late;
    if (typeof timeout === 'number') {
      this.#timer = clock.after(timeout, this.#pass);
    } else if (timeout.aborted) {
      this.#error = late();
    } else {
      this.#signal = timeout;
      listenersOf(timeout).add(this.#pass);
    }
  }

  get passed(): boolean {
    return this.#error !== undefined;
  }

  /** Throws when the deadline has passed. */
  check(): void {
    if (this.#error) throw this.#error;
  }

  /** Settles as `work` does, or rejects when the deadline passes. The work's own late rejection is nobody's business. */
  race<T>(work: Promise<T>): Promise<T> {
    if (this.#error) {
      work.catch(() => {}); // it was started for a caller who has been told already
      return Promise.reject(this.#error);
    }
    return new Promise<T>((resolve, reject) => {
      this.#waiting.add(reject);
      work.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }

  /** Ends the waiting now, with that error. */
  end(error: Error): void {
    this.#error ??= error;
    for (const reject of this.#waiting) reject(this.#error);
  }

  clear(): void {
    this.#timer?.cancel();
    if (this.#signal) listenersOf(this.#signal).delete(this.#pass);
  }

  readonly #pass = (): void => this.end(this.#late());
}

const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * What runs when a signal aborts. Publishes share one signal by the thousand, and `addEventListener` looks through the whole
 * list of listeners each time: with one listener and a set, 10,000 publishes at once cost 118 µs each instead of 153.
 */
function listenersOf(signal: AbortSignal): Set<() => void> {
  const known = listeners.get(signal);
  if (known) return known;
  const waiting = new Set<() => void>();
  listeners.set(signal, waiting);
  const onAbort = (): void => {
    for (const listener of waiting) listener();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return waiting;
}
