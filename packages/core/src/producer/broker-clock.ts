import type { Clock, Timer } from '../clock.ts';
import type { MaybePromise } from '../task/schema.ts';

/**
 * The broker's clock, as far as this machine knows it: its own, put right by the difference that was measured last. Moments that
 * cross machines (when a delayed message is due, when one expires) are told by it, since no two machines agree. Durations
 * and timers are the machine's own.
 */
export class BrokerClock implements Clock {
  readonly #clock: Clock;
  readonly #offset: () => MaybePromise<number>;
  #ahead = 0;

  /** `offset` measures, or answers with what was measured a moment ago; never rejects. */
  constructor(clock: Clock, offset: () => MaybePromise<number>) {
    this.#clock = clock;
    this.#offset = offset;
  }

  /** How many milliseconds the broker's clock is ahead of this machine's; 0 until it was measured. */
  get ahead(): number {
    return this.#ahead;
  }

  now(): number {
    return this.#clock.now() + this.#ahead;
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  after(ms: number, fn: () => void, options?: { readonly background?: boolean }): Timer {
    return this.#clock.after(ms, fn, options);
  }

  /** Measures; resolves with {@link BrokerClock.ahead}. */
  async measure(): Promise<number> {
    this.#ahead = Math.round(await this.#offset());
    return this.#ahead;
  }
}
