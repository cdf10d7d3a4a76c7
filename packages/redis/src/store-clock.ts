import type { Clock } from '@lovage/core/driver';
import type { StoreLink } from './store-link.ts';

/** A clock drifts by a few milliseconds in that time. */
const freshFor = 60_000;
/** Longer than that is not waited for: a deadline that is off by the machines' difference is better than none. */
const patience = 1_000;
/** After an answer that did not come, the clocks are taken to agree for so long. */
const retryAfter = 5_000;
/** On one machine measuring is off by so much: half of a round trip, and what the clock leaves out. */
const measuringError = 1.5;
/** A clock of whole milliseconds leaves half of one out on average. */
const leftOut = 0.5;

/** How far Redis' clock is ahead of this machine's: measured when first asked for, then now and then beside the work. */
export class StoreClock {
  readonly #link: StoreLink;
  readonly #clock: Clock;
  #offset: number | undefined;
  /** When it should be measured again, by the monotonic clock. */
  #staleAt = 0;
  #measuring: Promise<number> | undefined;

  constructor(link: StoreLink, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
  }

  /** Milliseconds; at once where it was measured before. Never rejects. */
  offset(): number | Promise<number> {
    const stale = this.#clock.monotonic() >= this.#staleAt;
    if (this.#offset === undefined && (stale || this.#measuring)) return this.#measure();
    if (stale) void this.#measure();
    return this.#offset ?? 0;
  }

  /**
   * As last measured, in whole milliseconds and rather too few than too many, since what is due by it must not be early;
   * undefined until then. What may be the error of measuring counts as none.
   */
  get ahead(): number | undefined {
    if (this.#offset === undefined) return undefined;
    return Math.abs(this.#offset) < measuringError ? 0 : Math.floor(this.#offset);
  }

  #measure(): Promise<number> {
    this.#measuring ??= this.#ask()
      .catch(() => {
        this.#staleAt = this.#clock.monotonic() + retryAfter;
        return this.#offset ?? 0;
      })
      .finally(() => {
        this.#measuring = undefined;
      });
    return this.#measuring;
  }

  /** Redis looked at its clock half-way between question and answer, give or take half of the round trip. */
  async #ask(): Promise<number> {
    const offset = await this.#link.run(async (client) => {
      const before = this.#clock.now();
      const [seconds, micros] = await client.time();
      const now = (before + this.#clock.now()) / 2 + leftOut;
      return Number(seconds) * 1_000 + Number(micros) / 1_000 - now;
    }, patience);
    this.#offset = offset;
    this.#staleAt = this.#clock.monotonic() + freshFor;
    return offset;
  }
}
