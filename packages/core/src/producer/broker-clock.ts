import { type Clock, leadOf, stepSince, type Timer } from '../clock.ts';
import type { MaybePromise } from '../options/schema.ts';

/** Between two looks at the clock that are further apart, in milliseconds, it may have been set. */
const restless = 1_000;

/**
 * The broker's clock, as far as this machine knows it: its own, put right by the difference that was measured last. Moments that
 * cross machines (when a delayed message is due, when one expires) are told by it, since no two machines agree. Durations
 * and timers are the machine's own. When the machine's clock is set, the monotonic one is gone by until the difference is measured anew.
 */
export class BrokerClock implements Clock {
  readonly #clock: Clock;
  readonly #offset: () => MaybePromise<number>;
  #ahead = 0;
  /** What the machine's clock was ahead of its monotonic one when the difference was measured. */
  #lead: number;
  #step = 0;
  #last: number;

  /** `offset` measures, or answers with what was measured a moment ago; never rejects. */
  constructor(clock: Clock, offset: () => MaybePromise<number>) {
    this.#clock = clock;
    this.#offset = offset;
    this.#last = clock.now();
    this.#lead = leadOf(clock);
  }

  /** How many milliseconds the broker's clock is ahead of this machine's; 0 until it was measured. */
  get ahead(): number {
    return this.#ahead;
  }

  now(): number {
    const now = this.#clock.now();
    if (now < this.#last || now > this.#last + restless) this.#look();
    this.#last = now;
    return now - this.#step + this.#ahead;
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  after(ms: number, fn: () => void, options?: { readonly background?: boolean }): Timer {
    return this.#clock.after(ms, fn, options);
  }

  /** Measures; resolves with {@link BrokerClock.ahead}. */
  async measure(): Promise<number> {
    const lead = leadOf(this.#clock);
    this.#ahead = Math.round(await this.#offset());
    [this.#lead, this.#step] = [lead, 0];
    return this.#ahead;
  }

  #look(): void {
    const step = stepSince(this.#clock, this.#lead);
    if (step !== 0 && this.#step === 0) void this.measure(); // never rejects
    if (step !== 0) this.#step = step;
  }
}
