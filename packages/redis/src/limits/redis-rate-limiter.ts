import type { RateLimiter } from '@lovage/core/driver';
import type { Keys } from '../keys.ts';
import { scriptsOf } from '../scripts/scripts.ts';
import type { StoreLink } from '../store-link.ts';

/** Rate limits as one key each: the last moment that was given out. */
export class RedisRateLimiter implements RateLimiter {
  readonly #link: StoreLink;
  readonly #keys: Keys;

  constructor(link: StoreLink, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
  }

  /** Not repeated after a lost reply: the repetition would take a second moment. */
  async reserve(name: string, interval: number): Promise<number> {
    const micros = Math.max(0, Math.round(interval * 1_000));
    const away = await this.#link.runOnce((client) =>
      scriptsOf(client).reserveMoment([this.#keys.rate(name)], [micros]),
    );
    return Math.ceil(Number(away) / 1_000);
  }
}
