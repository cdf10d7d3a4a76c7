import type { Clock } from '../../../clock.ts';
import type { LeaseStore } from '../../lease-store.ts';

interface Held {
  readonly owner: string;
  readonly token: number;
  readonly expiresAt: number;
}

/** Who holds which lease. */
export interface LeaseState {
  readonly held: Map<string, Held>;
  lastToken: number;
}

/** The leases of one store. One counter gives the tokens of all names, so that a name that was let go costs nothing. */
export class MemoryLeaseTable {
  readonly #clock: Clock;
  readonly state: LeaseState;

  constructor(clock: Clock, state: LeaseState = { held: new Map(), lastToken: 0 }) {
    this.#clock = clock;
    this.state = state;
  }

  acquire(name: string, owner: string, ttl: number): { readonly token: number } | undefined {
    const held = this.#current(name);
    if (held && held.owner !== owner) return undefined;
    const token = held?.token ?? ++this.state.lastToken;
    this.state.held.set(name, { owner, token, expiresAt: this.#clock.now() + ttl });
    return { token };
  }

  renew(name: string, owner: string, ttl: number): boolean {
    const held = this.#current(name);
    if (held?.owner !== owner) return false;
    this.state.held.set(name, { ...held, expiresAt: this.#clock.now() + ttl });
    return true;
  }

  release(name: string, owner: string): boolean {
    return this.#current(name)?.owner === owner && this.state.held.delete(name);
  }

  #current(name: string): Held | undefined {
    const held = this.state.held.get(name);
    if (!held || held.expiresAt > this.#clock.now()) return held;
    this.state.held.delete(name);
    return undefined;
  }
}

/** The leases, as one connection sees them. */
export function createMemoryLeases(table: MemoryLeaseTable, assertOpen: () => void): LeaseStore {
  return {
    acquire: async (name, owner, ttl) => {
      assertOpen();
      return table.acquire(name, owner, ttl);
    },
    renew: async (name, owner, ttl) => {
      assertOpen();
      return table.renew(name, owner, ttl);
    },
    release: async (name, owner) => {
      assertOpen();
      return table.release(name, owner);
    },
  };
}
