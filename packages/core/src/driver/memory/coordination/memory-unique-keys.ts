import type { Clock } from '../../../clock.ts';
import {
  type HeldUniqueKey,
  inDebounceWindow,
  type UniqueKeyHolder,
  type UniqueKeyRequest,
  type UniqueKeyStore,
} from '../../unique-key-store.ts';
import { ExpiringMap } from '../expiring-map.ts';

interface Held {
  readonly id: string;
  readonly queue: string;
  readonly takenAt: number;
  readonly begunAt: number;
  readonly published: boolean;
  readonly before: UniqueKeyHolder | undefined;
}

/** Keys, who holds them, and until when. */
export type UniqueKeyState = readonly (readonly [name: string, held: Held, expiresAt: number])[];

/** The claims of one store. */
export class MemoryUniqueKeyTable {
  readonly #clock: Clock;
  readonly #held: ExpiringMap<Held>;

  constructor(clock: Clock, state: UniqueKeyState = []) {
    this.#clock = clock;
    this.#held = new ExpiringMap(clock);
    for (const [name, held, expiresAt] of state) this.#held.set(name, held, expiresAt - clock.now());
  }

  /** What is held, and until when by the clock. */
  get state(): UniqueKeyState {
    return this.#held.entries();
  }

  take(name: string, request: UniqueKeyRequest): HeldUniqueKey | undefined {
    const { id, queue, ttl, published = false } = request;
    const held = this.#held.get(name);
    if (held?.id === id) {
      this.#held.set(name, { ...held, published: held.published || published }, ttl);
      return undefined;
    }
    const holder = held && this.#holderOf(held);
    if (holder && !request.replace && holder.id !== request.replaceHolder) return holder;
    const now = this.#clock.now();
    const since =
      holder && request.debounceWindow && inDebounceWindow(holder, request.debounceWindow) ? holder.since : 0;
    const before = holder?.published ? { id: holder.id, queue: holder.queue } : holder?.previousHolder;
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

  #holderOf({ id, queue, takenAt, begunAt, published, before }: Held): HeldUniqueKey {
    const now = this.#clock.now();
    const claim = { id, queue, published, age: now - takenAt, since: now - begunAt };
    return before ? { ...claim, previousHolder: before } : claim;
  }
}

/** The claims, as one connection sees them. */
export function createMemoryUniqueKeys(table: MemoryUniqueKeyTable, assertOpen: () => void): UniqueKeyStore {
  return {
    acquire: async (name, request) => {
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
