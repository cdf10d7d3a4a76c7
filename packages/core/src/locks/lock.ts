import { onAbort } from '../abort-signal.ts';
import type { Clock } from '../clock.ts';
import { ConfigurationError, LockLostError, LockReleasedError, LockTimeoutError } from '../errors.ts';
import { type Duration, parseDuration } from '../options/duration.ts';
import { orNull, type Reader, readOptions } from '../options/option-reader.ts';
import { isName } from '../options/well-formed.ts';
import type { HeldLease, LeaseRequest } from './lock-lease.ts';
import type { LeaseQueue } from './lock-queue.ts';

/** Options of `app.lock`. */
export interface LockOptions {
  /** How long the lease lasts when its holder dies; a living holder renews it. At least 100 ms. @default '30s' */
  readonly ttl?: Duration;
  /** How long to wait for it; 0 tries once, null waits as long as it takes. @default '10s' */
  readonly wait?: Duration | null;
  /** Ends the wait; its reason is thrown. */
  readonly signal?: AbortSignal;
}

/** What locks need of the app. */
export interface LockContext {
  readonly clock: Clock;
  readonly queue: LeaseQueue;
}

const shortestTtl = 100;
const defaults = { ttl: 30_000, wait: 10_000 };

/** The length of a lease. */
export const leaseTtl: Reader<number> = (value, where) => {
  const ms = parseDuration(value, where);
  if (ms >= shortestTtl) return ms;
  throw new ConfigurationError(`${where}: ${ms} ms is too short for a lease: at least ${shortestTtl} ms`);
};

const abortSignal: Reader<AbortSignal> = (value, where) => {
  if (value instanceof AbortSignal) return value;
  throw new ConfigurationError(`${where}: expected an AbortSignal`);
};

const table = { ttl: leaseTtl, wait: orNull(parseDuration), signal: abortSignal };

interface Held {
  readonly lease: HeldLease;
  readonly request: LeaseRequest;
}

/**
 * One or more named locks, held by this process until it releases them, loses them, or ends.
 *
 * A lease prevents nearly all overlap; it is not mutual exclusion: a process that is paused longer than the lease goes on
 * without knowing. Hand {@link Lock.fence} to the resource and let it refuse smaller ones (docs/locks.md).
 */
export class Lock {
  /** The names, in the order in which they were taken. */
  readonly names: readonly string[];
  /** Grows with every grant of the first name; see {@link Lock.fences} for the others. */
  readonly fence: number;
  /** The fencing token of each name. */
  readonly fences: Readonly<Record<string, number>>;
  readonly #queue: LeaseQueue;
  readonly #held: readonly Held[];
  readonly #lost = new AbortController();
  #released = false;

  /** @internal Made by `app.lock`. */
  constructor(queue: LeaseQueue, held: readonly Held[]) {
    this.#queue = queue;
    this.#held = held;
    this.names = held.map(({ request }) => request.label);
    this.fences = Object.fromEntries(held.map(({ lease, request }) => [request.label, lease.fence]));
    this.fence = held[0]?.lease.fence ?? 0;
    for (const { lease } of held) lease.onLost((reason) => this.#lost.abort(reason));
  }

  /** Aborts, with {@link LockLostError}, when a lock is lost. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Whether all of them may be trusted at this moment; true to the monotonic clock also after a pause. */
  get held(): boolean {
    return !this.#released && this.#held.every(({ lease }) => lease.held);
  }

  /** Renews now, and from now on for `ttl` at a time. Throws {@link LockLostError}, {@link LockReleasedError}. */
  async extend(ttl: Duration): Promise<void> {
    const ms = leaseTtl(ttl, 'lock.extend');
    if (this.#released) throw new LockReleasedError(this.#label, 'extend');
    for (const { lease, request } of this.#held) {
      if (!(await lease.extend(ms))) throw lease.lost ?? lostMeanwhile(request.label);
    }
  }

  /**
   * Gives them back, in the opposite order. Throws {@link LockReleasedError} the second time, and {@link LockLostError}
   * when one had been lost: what was done under it may have overlapped with another holder.
   */
  async release(): Promise<void> {
    if (this.#released) throw new LockReleasedError(this.#label, 'release');
    const lost = await this.#giveBack();
    if (lost) throw lost;
  }

  /** As {@link Lock.release}, for `await using`: does nothing after a release, and leaves a loss to the signal. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#released) await this.#giveBack();
  }

  get #label(): string {
    return this.names.join(', ');
  }

  async #giveBack(): Promise<LockLostError | undefined> {
    this.#released = true;
    return giveBack(this.#queue, this.#held);
  }
}

/** Takes all of the names, in sorted order, so that no two who want several can wait for each other. */
export async function takeLock(
  { clock, queue }: LockContext,
  names: string | readonly string[],
  given: LockOptions = {},
): Promise<Lock> {
  const sorted = readNames(names);
  const { ttl, wait, signal } = { ...defaults, ...readOptions(given, table, `lock "${sorted.join(', ')}"`) };
  signal?.throwIfAborted();
  const late = deadline(clock, wait, signal);
  const held: Held[] = [];
  try {
    for (const label of sorted) {
      const request = { name: `lock:${label}`, label, ttl };
      const lease = await queue.take(request, late.signal, wait === 0);
      if (lease === undefined) throw signal?.aborted ? signal.reason : new LockTimeoutError(label, wait ?? 0);
      held.push({ lease, request });
    }
    for (const { lease } of held) if (lease.lost) throw lease.lost; // while waiting for a later one
    return new Lock(queue, held);
  } catch (error) {
    await giveBack(queue, held).catch(() => undefined); // the first error is the one to tell
    throw error;
  } finally {
    late.clear();
  }
}

async function giveBack(queue: LeaseQueue, held: readonly Held[]): Promise<LockLostError | undefined> {
  let lost: LockLostError | undefined;
  let failed: unknown;
  for (const { lease, request } of held.toReversed()) {
    const known = lease.lost;
    try {
      if (!(await queue.release(lease, request))) lost ??= known ?? lostMeanwhile(request.label);
    } catch (error) {
      failed ??= error; // the others must go all the same
    }
  }
  if (failed !== undefined) throw failed;
  return lost;
}

const lostMeanwhile = (name: string): LockLostError => new LockLostError(name, 'its time ran out');

function readNames(names: string | readonly string[]): readonly string[] {
  const list = typeof names === 'string' ? [names] : names;
  const good = Array.isArray(list) && list.length > 0 && list.every(isName);
  if (good) return [...new Set(list as readonly string[])].sort();
  throw new ConfigurationError('app.lock(names): expected a non-empty, well-formed name, or a list of names');
}

/** A signal that aborts after `wait` (null: never, 0: left to the one try), or as `outer` does. */
function deadline(clock: Clock, wait: number | null, outer: AbortSignal | undefined) {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const timer = wait ? clock.after(wait, abort) : undefined;
  const forget = outer && onAbort(outer, abort);
  return {
    signal: controller.signal,
    clear: (): void => {
      timer?.cancel();
      forget?.();
    },
  };
}
