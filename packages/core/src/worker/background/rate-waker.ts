import { type Clock, sleep } from '../../clock.ts';
import type { Broker } from '../../driver/broker.ts';
import type { Monitor } from '../../driver/monitor.ts';
import { type RateEntry, type RateLimiter, rateTimes } from '../../driver/rate-limiter.ts';
import type { Logger } from '../../logger.ts';
import { intervalOf } from '../../options/duration.ts';
import type { TaskRegistry } from '../../task/task.ts';
import type { TaskRates } from '../middleware/rate-limit.ts';

/** After an error of the store. */
const errorPause = 1_000;
/** The first of a line that are looked at once one of them was gone. */
const looked = 500;

/** What {@link RateWaker} needs. */
export interface RateWakerOptions {
  readonly limiter: RateLimiter;
  readonly broker: Broker;
  readonly monitor: Monitor | undefined;
  readonly registry: TaskRegistry;
  readonly rates: TaskRates;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly worker: string;
}

/**
 * Wakes the messages that wait for a task's rate limit, as long as there are any: of all workers one at a time does. A task
 * without a line costs nothing.
 */
export class RateWaker {
  readonly #options: RateWakerOptions;
  /** What ends the pause of each task that is served. */
  readonly #served = new Map<string, AbortController>();
  #closed = false;

  constructor(options: RateWakerOptions) {
    this.#options = options;
    options.rates.onChange = (task) => this.#serveNow(task);
  }

  /** Looks for lines that workers which have ended left. */
  start(): void {
    const { registry } = this.#options;
    for (const task of registry.names()) if (registry.get(task)?.options.rateLimit) this.serve(task);
  }

  /** Messages wait for this task. */
  serve(task: string): void {
    if (this.#closed || this.#served.has(task)) return;
    this.#served.set(task, new AbortController());
    void this.#serve(task); // never rejects
  }

  close(): void {
    this.#closed = true;
    for (const pause of this.#served.values()) pause.abort();
    this.#served.clear();
  }

  #serveNow(task: string): void {
    this.#served.get(task)?.abort();
    this.serve(task);
  }

  async #serve(task: string): Promise<void> {
    const { clock, logger } = this.#options;
    while (!this.#closed) {
      const pause = new AbortController();
      this.#served.set(task, pause);
      const next = await this.#wake(task).catch((error: unknown) => {
        logger.debug('could not wake messages of a rate limit: trying again', { task, error });
        return errorPause;
      });
      if (next === undefined) break;
      await sleep(clock, Math.min(next, rateTimes.longestPause), pause.signal).catch(() => undefined);
    }
    this.#served.delete(task);
  }

  /** Wakes those whose moment has come; resolves with the milliseconds until the next, undefined when none wait. */
  async #wake(task: string): Promise<number | undefined> {
    const { limiter, broker, worker } = this.#options;
    const interval = this.#intervalOf(task);
    const { entries, next } = await limiter.wake(task, { interval, worker });
    if (entries.length === 0) return next;
    const promoted = await broker.unblock?.(entries.map(({ queue, id }) => ({ queue, id, timed: true })));
    const gone = entries.filter((_, index) => !promoted?.[index]);
    if (gone.length === 0) return next;
    await limiter.drop(task, interval, gone);
    await this.#dropGone(task, interval);
    return 0;
  }

  /** Takes messages that were purged, revoked or have expired out of the beginning of the line. */
  async #dropGone(task: string, interval: number): Promise<void> {
    const { limiter, monitor } = this.#options;
    for (let all = monitor !== undefined; all && !this.#closed; ) {
      const first = await limiter.first(task, looked);
      const gone = await this.#endedHolders(first);
      if (gone.length > 0) await limiter.drop(task, interval, gone);
      all = gone.length === looked;
    }
  }

  async #endedHolders(entries: readonly RateEntry[]): Promise<readonly RateEntry[]> {
    const gone: RateEntry[] = [];
    for (const queue of new Set(entries.map((entry) => entry.queue))) {
      const here = entries.filter((entry) => entry.queue === queue);
      const ids = here.map(({ id }) => id);
      const places = await this.#options.monitor?.locate(ids, [queue]);
      gone.push(...here.filter((_, index) => places?.[index] === undefined));
    }
    return gone;
  }

  #intervalOf(task: string): number {
    const definition = this.#options.registry.get(task);
    const rate = definition && this.#options.rates.of(definition);
    return rate ? intervalOf(rate) : 0;
  }
}
