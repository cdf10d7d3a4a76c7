import type { Clock } from '../../../clock.ts';
import type { RevocationRule, RevocationStore } from '../../revocation-store.ts';

/** The rules of one store. */
export class MemoryRevocationTable {
  readonly #clock: Clock;
  readonly #rules = new Map<string, RevocationRule>();
  #changes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get version(): string {
    return String(this.#changes);
  }

  get rules(): readonly RevocationRule[] {
    const now = this.#clock.now();
    for (const [key, { expiresAt }] of this.#rules) if (expiresAt <= now) this.#rules.delete(key);
    return [...this.#rules.values()];
  }

  add(rules: readonly RevocationRule[]): void {
    for (const rule of rules) this.#rules.set(keyOf(rule), rule);
    this.#changes += 1;
  }

  remove(rules: readonly Pick<RevocationRule, 'stamp' | 'value'>[]): number {
    this.#changes += 1;
    return rules.filter((rule) => this.#rules.delete(keyOf(rule))).length;
  }
}

/** The rules, as one connection sees them. */
export function createMemoryRevocations(table: MemoryRevocationTable, assertOpen: () => void): RevocationStore {
  return {
    add: async (rules) => {
      assertOpen();
      table.add(rules);
    },
    read: async (version) => {
      assertOpen();
      return table.version === version ? { version } : { version: table.version, rules: table.rules };
    },
    remove: async (rules) => {
      assertOpen();
      return table.remove(rules);
    },
  };
}

function keyOf({ stamp, value }: Pick<RevocationRule, 'stamp' | 'value'>): string {
  return JSON.stringify([stamp, value]);
}
