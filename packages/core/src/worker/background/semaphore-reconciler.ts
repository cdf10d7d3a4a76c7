import { type Clock, sleep, type Timer } from '../../clock.ts';
import type { ConcurrencyLimiter } from '../../flow/concurrency-limiter.ts';
import type { Logger } from '../../logger.ts';
import type { TaskRegistry } from '../../task/task.ts';

const interval = 2_000;
/** A store that does not answer is not waited for: another worker finds what was left. */
const longestGoodbye = 1_000;

/** What the reconciler needs. */
export interface SemaphoreReconcilerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly concurrencyLimiter: ConcurrencyLimiter;
  readonly registry: TaskRegistry;
}

/**
 * Looks after the places of concurrency keys, ordering keys and fair shares that a dead process has left, every two seconds;
 * of all workers one at a time does. A worker without such tasks asks nothing.
 */
export class SemaphoreReconciler {
  readonly #options: SemaphoreReconcilerOptions;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: SemaphoreReconcilerOptions) {
    this.#options = options;
    this.#arm();
  }

  /** Ends the looking, and waits a second at most for what is on its way to the store. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    const { concurrencyLimiter, clock } = this.#options;
    const gone = new AbortController();
    const late = sleep(clock, longestGoodbye, gone.signal).catch(() => undefined);
    await Promise.race([concurrencyLimiter.idle(), late]);
    gone.abort();
  }

  #arm(): void {
    if (this.#closed) return;
    this.#timer = this.#options.clock.after(interval, () => void this.#reconcile().finally(() => this.#arm()), {
      background: true,
    });
  }

  async #reconcile(): Promise<void> {
    const { registry, concurrencyLimiter, logger } = this.#options;
    if (!registry.names().some((name) => registry.get(name)?.options.acquired)) return;
    await concurrencyLimiter
      .reconcile()
      .catch((error: unknown) => logger.debug('could not reconcile concurrency slots: retrying', { error }));
  }
}
