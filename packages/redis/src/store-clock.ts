import { type Clock, leadOf, stepSince } from '@lovage/core/driver';
import type { StoreLink } from './store-link.ts';

/** A clock drifts by a few milliseconds in that time. */
const freshFor = 60_000;
/** Longer than that is not waited for: a deadline that is off by the machines' difference is better than none. */
const maxWait = 1_000;
/** After an answer that did not come, the clocks are taken to agree for so long. */
const retryAfter = 5_000;
/** A measurement that is this exact, in milliseconds, is good enough. */
const exact = 3;
/** Of so many that are not, the best one is taken. */
const attempts = 4;

/** Redis's clock is ahead by more than `least` and by no more than `most` milliseconds. */
interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** How far Redis' clock is ahead of this machine's: measured when first asked for, then now and then beside the work. */
export class StoreClock {
  readonly #link: StoreLink;
  readonly #clock: Clock;
  #bounds: Bounds | undefined;
  /** What this machine's clock was ahead of its monotonic one when {@link #bounds} were measured. */
  #lead = 0;
  /** When it should be measured again, by the monotonic clock. */
  #staleAt = 0;
  #measuring: Promise<void> | undefined;

  constructor(link: StoreLink, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
  }

  /** Milliseconds; at once where it was measured before and this machine's clock was not set since. Never rejects. */
  offset(): number | Promise<number> {
    const stepped = this.#step() !== 0;
    const stale = stepped || this.#clock.monotonic() >= this.#staleAt;
    if (stepped || (!this.#bounds && (stale || this.#measuring))) return this.#measure().then(() => this.#likely());
    if (stale) void this.#measure();
    return this.#likely();
  }

  /**
   * As last measured, in whole milliseconds and rather too few than too many, since what is due by it must not be early;
   * undefined until then. Clocks that may agree are taken to agree.
   */
  get ahead(): number | undefined {
    if (!this.#bounds) return undefined;
    const step = this.#step();
    if (step === 0) return mayAgree(this.#bounds) ? 0 : Math.floor(this.#bounds.least);
    void this.#measure();
    return Math.floor(this.#bounds.least - Math.max(0, step)); // set, or asleep: until it is known which, the one that makes nothing early
  }

  /** By how many milliseconds this machine's clock was set since it was measured, or its monotonic one stood still. */
  #step(): number {
    return this.#bounds ? stepSince(this.#clock, this.#lead) : 0;
  }

  #likely(): number {
    if (!this.#bounds) return 0;
    const { least, most } = this.#bounds;
    return (mayAgree(this.#bounds) ? 0 : (least + most) / 2) - this.#step();
  }

  #measure(): Promise<void> {
    this.#measuring ??= this.#ask()
      .catch(() => {
        this.#staleAt = this.#clock.monotonic() + retryAfter;
      })
      .finally(() => {
        this.#measuring = undefined;
      });
    return this.#measuring;
  }

  /** A question may wait before Redis sees it, and an answer before this process does: on a busy machine it is asked again. */
  async #ask(): Promise<void> {
    const lead = leadOf(this.#clock);
    let best = await this.#askOnce();
    for (let again = 1; again < attempts && best.most - best.least > exact; again += 1) {
      const bounds = await this.#askOnce();
      if (bounds.most - bounds.least < best.most - best.least) best = bounds;
    }
    this.#bounds = best;
    this.#lead = lead;
    this.#staleAt = this.#clock.monotonic() + freshFor;
  }

  /** Redis looked at its clock between question and answer; this machine's leaves out what is less than a millisecond. */
  #askOnce(): Promise<Bounds> {
    return this.#link.run(async (client) => {
      const before = this.#clock.now();
      const [seconds, micros] = await client.time();
      const redis = Number(seconds) * 1_000 + Number(micros) / 1_000;
      return { least: redis - this.#clock.now() - 1, most: redis - before };
    }, maxWait);
  }
}

function mayAgree({ least, most }: Bounds): boolean {
  return least < 0 && most >= 0;
}
