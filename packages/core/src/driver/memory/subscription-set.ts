import { ClosedError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import type { Subscription } from '../result-backend.ts';

/** Runs a listener; what it throws is logged, so that one listener cannot hurt another. */
export type Guard = (run: () => void) => void;

/** The subscriptions of one connection, which end with it. */
export class SubscriptionSet {
  readonly #owner: string;
  readonly #logger: Logger;
  readonly #stops = new Set<() => void>();
  #open = true;

  constructor(owner: string, logger: Logger) {
    this.#owner = owner;
    this.#logger = logger;
  }

  assertOpen(): void {
    if (!this.#open) throw new ClosedError(this.#owner);
  }

  /** `start` begins the listening and returns what ends it. */
  add(start: (guard: Guard) => () => void): Subscription {
    this.assertOpen();
    const stop = start(this.#guard);
    this.#stops.add(stop);
    return {
      close: async () => {
        if (this.#stops.delete(stop)) stop();
      },
    };
  }

  close(): void {
    this.#open = false;
    for (const stop of this.#stops) stop();
    this.#stops.clear();
  }

  readonly #guard: Guard = (run) => {
    try {
      run();
    } catch (error) {
      this.#logger.error(`a listener of ${this.#owner} threw`, { error });
    }
  };
}
