import type { Clock } from '../../clock.ts';
import type { RateLimiter } from '../rate-limiter.ts';

/** The next free moment of each name. */
export class MemoryLimiter implements RateLimiter {
  readonly #clock: Clock;
  readonly #next = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async reserve(name: string, interval: number): Promise<number> {
    const now = this.#clock.now();
    const moment = Math.max(now, this.#next.get(name) ?? 0);
    this.#next.set(name, moment + interval);
    return Math.ceil(moment - now);
  }
}
