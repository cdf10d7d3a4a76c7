import type { LeaseStore } from '@lovage/core/driver';
import type { Keys } from '../keys.ts';
import { scriptsOf } from '../scripts/scripts.ts';
import type { StoreLink } from '../store-link.ts';

/**
 * Leases as keys with an expiry, and a counter per name for the fencing tokens, which outlives every grant. A failover
 * of Redis can forget the last grant; the token then may repeat (docs: locks on Redis are for efficiency).
 */
export class RedisLeaseStore implements LeaseStore {
  readonly #link: StoreLink;
  readonly #keys: Keys;

  constructor(link: StoreLink, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
  }

  async acquire(name: string, owner: string, ttl: number): Promise<{ readonly token: number } | undefined> {
    const keys: [string, string] = [this.#keys.lease(name), this.#keys.fence(name)];
    const token = await this.#link.run((client) => scriptsOf(client).acquireLease(keys, [owner, wholeTtl(ttl)]));
    return token === 0 ? undefined : { token };
  }

  async renew(name: string, owner: string, ttl: number): Promise<boolean> {
    return (
      (await this.#link.run((client) =>
        scriptsOf(client).keepLease([this.#keys.lease(name)], [owner, wholeTtl(ttl)]),
      )) === 1
    );
  }

  async release(name: string, owner: string): Promise<boolean> {
    return (await this.#link.run((client) => scriptsOf(client).keepLease([this.#keys.lease(name)], [owner, 0]))) === 1;
  }
}

const wholeTtl = (ttl: number): number => Math.max(1, Math.floor(ttl));
