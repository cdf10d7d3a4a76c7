import type { Clock } from '../../clock.ts';
import type { Logger } from '../../logger.ts';
import type { Message } from '../../message/message.ts';
import { Backoff } from '../../retry.ts';
import type { AttemptResult } from '../execution/attempt-result.ts';

/** How long messages are held back that need a store which refuses, in milliseconds: doubling while it goes on. */
const pauses = { first: 500, longest: 15_000 };
/** So long nothing more is logged of it. */
const logInterval = 10_000;

/** What a back-off needs. */
export interface StoreBackoffOptions {
  /** The broker's clock: messages come again by it. */
  readonly clock: Clock;
  readonly logger: Logger;
  /** For the log, as in `could not <what>`. */
  readonly what: string;
}

/**
 * Holds messages back in the broker while a store cannot be asked about them, so that their slots are free for others. Handed back at
 * once they came again at once: 16,000 commands a second of a worker whose Redis user lacked a key.
 */
export class StoreBackoff {
  readonly #options: StoreBackoffOptions;
  readonly #backoff = new Backoff(pauses);
  #pause = 0;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #loggedAt = Number.NEGATIVE_INFINITY;

  constructor(options: StoreBackoffOptions) {
    this.#options = options;
  }

  /** The store did not answer: the message goes back unspent, and comes again after a pause. */
  failed({ id, task }: Message, error: unknown): AttemptResult {
    const { clock, logger, what } = this.#options;
    const now = clock.now();
    if (now >= this.#pausedUntil) {
      const again = now - this.#pausedUntil < this.#pause; // still: more than one message came meanwhile
      if (!again) this.#backoff.reset();
      this.#pause = this.#backoff.next();
      this.#pausedUntil = now + this.#pause;
    }
    if (now - this.#loggedAt >= logInterval) {
      this.#loggedAt = now;
      logger.warn(`could not ${what}: the task waits and is tried again`, {
        task,
        taskId: id,
        error,
        inMs: this.#pause,
      });
    }
    return { state: 'RELEASED', at: now + this.#pause };
  }
}
