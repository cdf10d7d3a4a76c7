import type { Clock } from '../../../clock.ts';
import type { RevocationRule, RevocationStore } from '../../revocation-store.ts';

/** Rules by stamp and value. */
export interface RevocationState {
  readonly rules: Map<string, RevocationRule>;
  changes: number;
}

/** The rules of one store. */
export class MemoryRevocationTable {
  readonly #clock: Clock;
  readonly state: RevocationState;

  constructor(clock: Clock, state: RevocationState = { rules: new Map(), changes: 0 }) {
    this.#clock = clock;
    this.state = state;
  }

  get version(): string {
    return String(this.state.changes);
  }

  get rules(): readonly RevocationRule[] {
    const now = this.#clock.now();
    for (const [key, { expiresAt }] of this.state.rules) if (expiresAt <= now) this.state.rules.delete(key);
    return [...this.state.rules.values()];
  }

  add(rules: readonly RevocationRule[]): void {
    for (const rule of rules) this.state.rules.set(keyOf(rule), rule);
    this.state.changes += 1;
  }

  remove(rules: readonly Pick<RevocationRule, 'stamp' | 'value'>[]): number {
    this.state.changes += 1;
    return rules.filter((rule) => this.state.rules.delete(keyOf(rule))).length;
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
