import { setMaxListeners } from 'node:events';
import type { Clock, Timer } from '../clock.ts';

/**
 * One abort signal for all publishes that begin within a twentieth of the timeout: a controller and a timer for each
 * message would cost 3 µs on Node 20, more than everything else on the way. A publish may thus wait 5 % longer.
 */
export class PublishDeadlines {
  readonly #clock: Clock;
  readonly #timeout: number;
  #current: { readonly controller: AbortController; readonly until: number } | undefined;
  readonly #timers = new Set<Timer>();

  constructor(clock: Clock, timeout: number) {
    this.#clock = clock;
    this.#timeout = timeout;
  }

  /** Aborts between `timeout` and `timeout` + 5 % from now. */
  signal(): AbortSignal {
    const now = this.#clock.monotonic();
    if (this.#current === undefined || now >= this.#current.until) this.#current = this.#open(now);
    return this.#current.controller.signal;
  }

  /** Aborts everything under way. */
  close(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#current?.controller.abort();
  }

  #open(now: number): { controller: AbortController; until: number } {
    const slice = this.#timeout / 20;
    const controller = new AbortController();
    setMaxListeners(0, controller.signal); // every publish under way listens
    const timer = this.#clock.after(
      this.#timeout + slice,
      () => {
        this.#timers.delete(timer);
        controller.abort();
      },
      { background: true },
    );
    this.#timers.add(timer);
    return { controller, until: now + slice };
  }
}
