import type { Clock } from '../../../clock.ts';
import { type Claim, type ClaimHolder, type ClaimRequest, type ClaimStore, inBurst } from '../../unique-key-store.ts';
import { ExpiringMap } from '../expiring-map.ts';

interface Held {
  readonly id: string;
  readonly queue: string;
  readonly takenAt: number;
  readonly begunAt: number;
  readonly published: boolean;
  readonly before: ClaimHolder | undefined;
}

/** The claims of one store. */
export class MemoryClaimTable {
  readonly #clock: Clock;
  readonly #held: ExpiringMap<Held>;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#held = new ExpiringMap(clock);
  }

  take(name: string, request: ClaimRequest): Claim | undefined {
    const { id, queue, ttl, published = false } = request;
    const held = this.#held.get(name);
    if (held?.id === id) {
      this.#held.set(name, { ...held, published: held.published || published }, ttl);
      return undefined;
    }
    const holder = held && this.#claimOf(held);
    if (holder && !request.replace && holder.id !== request.instead) return holder;
    const now = this.#clock.now();
    const since = holder && request.burst && inBurst(holder, request.burst) ? holder.since : 0;
    const before = holder?.published ? { id: holder.id, queue: holder.queue } : holder?.before;
    this.#held.set(name, { id, queue, takenAt: now, begunAt: now - since, published, before }, ttl);
    return holder;
  }

  confirm(name: string, id: string): string | undefined {
    const held = this.#held.get(name);
    if (held?.id === id) this.#held.replace(name, { ...held, published: true });
    return held?.id;
  }

  release(name: string, id: string): boolean {
    return this.#held.get(name)?.id === id && this.#held.delete(name);
  }

  #claimOf({ id, queue, takenAt, begunAt, published, before }: Held): Claim {
    const now = this.#clock.now();
    const claim = { id, queue, published, age: now - takenAt, since: now - begunAt };
    return before ? { ...claim, before } : claim;
  }
}

/** The claims, as one connection sees them. */
export function createMemoryClaims(table: MemoryClaimTable, assertOpen: () => void): ClaimStore {
  return {
    take: async (name, request) => {
      assertOpen();
      return table.take(name, request);
    },
    confirm: async (name, id) => {
      assertOpen();
      return table.confirm(name, id);
    },
    release: async (name, id) => {
      assertOpen();
      return table.release(name, id);
    },
  };
}
