import { retry, type Subscription, type Timer } from '@lovage/core/driver';
import { scriptsOf } from '../../scripts/scripts.ts';
import type { ConsumerContext } from '../consumer-context.ts';
import { isNoGroupError } from '../entry/no-group-error.ts';
import { reopenQueue } from '../entry/open-queue.ts';
import { group, type StreamQueue } from '../entry/stream-queue.ts';
import { fewQueues } from '../read/reader.ts';
import type { ReaderPool } from '../read/reader-pool.ts';
import type { LeaseKeeper } from '../settle/lease-keeper.ts';

/** Delayed messages moved, and orphans of a stream, by one script call: bounds the time it holds Redis. */
const promotedAtOnce = 500;
const sweptAtOnce = 100;
/** How long a consumer that holds nothing and reads nothing is kept, in milliseconds: those of crashed workers. */
const consumersKept = 300_000;
/** How often the next due message is asked for when nobody said that it changed: the price of a lost word. */
const pollInterval = 5_000;
/** Queues looked at by one script call: bounds the time it holds Redis. */
const lookedAtOnce = 1_000;
/** Shortest time between two promotions of a queue: many due messages are moved together. */
const shortestPause = 10;

interface Kept {
  readonly queue: StreamQueue;
  timer: Timer | undefined;
  /** When the timer fires, by the monotonic clock. */
  at: number;
  /** A promotion is under way: undefined, or whether another one is due after it. */
  promoting: boolean;
  notifications: Promise<Subscription | undefined>;
}

/**
 * What a queue needs besides reading. Delayed messages are moved to their bands when they are due by Redis's clock, by
 * every worker that is there at that moment; deliveries whose lease ran out are given to whoever reads next, by the first
 * worker that looks.
 */
export class QueueMaintenance {
  readonly #context: ConsumerContext;
  /** Renews our own leases: a process that was held up must not take its own deliveries for orphans. */
  readonly #leases: LeaseKeeper;
  /** Looks again when a queue was paused, goes on, or may have messages. */
  readonly #readers: ReaderPool;
  readonly #kept = new Map<string, Kept>();
  #sweep: Timer | undefined;
  #poll: Timer | undefined;
  #closed = false;

  constructor(context: ConsumerContext, leases: LeaseKeeper, readers: ReaderPool) {
    this.#context = context;
    this.#leases = leases;
    this.#readers = readers;
    this.#armSweep();
    this.#armPoll();
  }

  add(queue: StreamQueue): void {
    const kept: Kept = {
      queue,
      timer: undefined,
      at: Number.POSITIVE_INFINITY,
      promoting: false,
      notifications: Promise.resolve(undefined),
    };
    this.#kept.set(queue.name, kept);
    kept.notifications = this.#listen(kept);
    this.#schedule(kept, 0);
  }

  remove(name: string): void {
    const kept = this.#kept.get(name);
    if (!kept) return;
    this.#kept.delete(name);
    kept.timer?.cancel();
    void kept.notifications.then((notifications) => notifications?.close()).catch(() => {}); // nobody listens any more
  }

  close(): void {
    this.#closed = true;
    this.#sweep?.cancel();
    this.#poll?.cancel();
    for (const name of [...this.#kept.keys()]) this.remove(name);
  }

  #listen(kept: Kept): Promise<Subscription | undefined> {
    const { clock, subscriber } = this.#context;
    const onError = (error: unknown): void => {
      if (!this.#isKept(kept)) throw error;
      this.#context.onError(error as Error);
    };
    const listen = async (): Promise<Subscription> => {
      const notifications = await subscriber.subscribe(kept.queue.wake, (text) => this.#hear(kept, text));
      this.#schedule(kept, 0); // what was published before anyone listened
      return notifications;
    };
    return retry(clock, { first: 250, longest: pollInterval, onError }, undefined, listen).catch(() => undefined);
  }

  #hear(kept: Kept, text: string): void {
    if (text !== 'look') this.#schedule(kept, Number(text) || 0);
    else if (this.#isKept(kept)) this.#readers.look(kept.queue);
  }

  #isKept(kept: Kept): boolean {
    return this.#kept.get(kept.queue.name) === kept;
  }

  /** Promotes after `wait` milliseconds, unless that is meant to happen sooner already. */
  #schedule(kept: Kept, wait: number): void {
    const { clock } = this.#context;
    const at = clock.monotonic() + wait;
    if (!this.#isKept(kept) || kept.promoting || at >= kept.at) {
      if (kept.promoting) kept.at = Math.min(kept.at, at);
      return;
    }
    kept.timer?.cancel();
    kept.at = at;
    kept.timer = clock.after(wait, () => void this.#promote(kept)); // never rejects
  }

  async #promote(kept: Kept): Promise<void> {
    const { client, clock } = this.#context;
    kept.promoting = true;
    kept.at = Number.POSITIVE_INFINITY;
    let wait = pollInterval;
    try {
      const due = await scriptsOf(client).streamPromote([kept.queue.base], [promotedAtOnce]);
      if (due === 0) wait = 0;
      else if (due > 0) wait = Math.min(pollInterval, Math.max(shortestPause, due));
      else if (this.#many) wait = Number.POSITIVE_INFINITY; // one look at all of them finds the next
    } catch (error) {
      if (!this.#closed) this.#context.onError(error as Error);
    }
    kept.promoting = false;
    const sooner = kept.at - clock.monotonic(); // said while this promotion was under way
    kept.at = Number.POSITIVE_INFINITY;
    const next = Math.max(0, Math.min(wait, sooner));
    if (next < Number.POSITIVE_INFINITY) this.#schedule(kept, next);
  }

  #armSweep(): void {
    if (this.#closed) return;
    const { clock, request } = this.#context;
    this.#sweep = clock.after(request.orphanInterval, () => {
      this.#armSweep();
      this.#leases.renew(); // on the same connection, so before the sweep
      void this.#sweepAll(); // never rejects
    });
  }

  async #sweepAll(): Promise<void> {
    const many = this.#many;
    for (const { queue } of await this.#busy(({ queue }) => queue.known)) {
      void this.#sweepQueue(queue); // never rejects
      if (many) this.#readers.look(queue); // the price of a lost signal
    }
  }

  /** What was delayed without a word of it, with many queues. */
  #armPoll(): void {
    if (this.#closed) return;
    this.#poll = this.#context.clock.after(pollInterval, () => {
      this.#armPoll();
      if (!this.#many) return;
      void this.#pollAll(); // never rejects
      this.#lookAtNext();
    });
  }

  /** A producer that is not ours writes to a stream and signals nothing. */
  #lookAtNext(): void {
    const [next] = this.#kept.values();
    if (!next) return;
    this.#kept.delete(next.queue.name); // it comes last now
    this.#kept.set(next.queue.name, next);
    this.#readers.look(next.queue);
  }

  async #pollAll(): Promise<void> {
    for (const kept of await this.#busy(({ queue }) => queue.due)) this.#schedule(kept, 0);
  }

  /** Those of which a key is there: all, with few queues. Never rejects. */
  async #busy(keyOf: (kept: Kept) => string): Promise<readonly Kept[]> {
    const all = [...this.#kept.values()];
    if (!this.#many) return all;
    const { client, onError } = this.#context;
    const busy: Kept[] = [];
    for (let start = 0; start < all.length && !this.#closed; start += lookedAtOnce) {
      const chunk = all.slice(start, start + lookedAtOnce);
      try {
        const places = await scriptsOf(client).streamBusy(chunk.map(keyOf), []);
        for (const place of places) busy.push(chunk[place - 1] as Kept);
      } catch (error) {
        if (!this.#closed) onError(error as Error);
      }
    }
    return busy;
  }

  get #many(): boolean {
    return this.#context.keys.sameSlot && this.#kept.size > fewQueues;
  }

  async #sweepQueue(queue: StreamQueue): Promise<void> {
    const { client, onError, request } = this.#context;
    const { leaseDuration, orphanInterval } = request;
    const quiet = Math.max(1, Math.floor(orphanInterval * 0.9)); // others need not look; our own next look must
    try {
      let lock = quiet;
      for (let moved = sweptAtOnce; moved >= sweptAtOnce && !this.#closed; lock = 0) {
        const args = [group, Math.ceil(leaseDuration), sweptAtOnce, lock, consumersKept];
        moved = await scriptsOf(client).streamSweep([queue.base], args);
      }
    } catch (error) {
      if (this.#closed) return;
      if (isNoGroupError(error)) await reopenQueue(this.#context, queue).catch(onError);
      else onError(error as Error);
    }
  }
}
