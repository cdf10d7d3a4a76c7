import type { Clock } from '../../../clock.ts';
import type { JsonValue } from '../../../message/json.ts';
import type { RegistryEntry, SharedRegistry } from '../../shared-registry.ts';

interface Row {
  readonly text: string;
  readonly until: number | undefined;
}

/** Entries by their names, by namespace. */
export type RegistryState = Map<string, Map<string, Row>>;

/** The books of a store. */
export class MemoryNamespaces {
  readonly #clock: Clock;
  readonly state: RegistryState;

  constructor(clock: Clock, state: RegistryState = new Map()) {
    this.#clock = clock;
    this.state = state;
  }

  put(
    namespace: string,
    name: string,
    { text, ttl }: { readonly text: string; readonly ttl: number | undefined },
  ): void {
    const rows = this.state.get(namespace) ?? new Map<string, Row>();
    this.state.set(namespace, rows.set(name, { text, until: ttl === undefined ? undefined : this.#clock.now() + ttl }));
  }

  list(namespace: string): readonly RegistryEntry[] {
    const now = this.#clock.now();
    return [...(this.state.get(namespace) ?? [])].map(([name, { text, until }]) => ({
      name,
      value: JSON.parse(text) as JsonValue,
      ...(until === undefined || until > now ? {} : { expiredFor: now - until }),
    }));
  }

  remove(namespace: string, names: readonly string[]): number {
    const rows = this.state.get(namespace);
    return names.filter((name) => rows?.delete(name)).length;
  }
}

/** The books, as one connection sees them. */
export function createMemorySharedRegistry(namespaces: MemoryNamespaces, assertOpen: () => void): SharedRegistry {
  return {
    put: async (namespace, name, value, ttl) => {
      assertOpen();
      namespaces.put(namespace, name, { text: JSON.stringify(value), ttl });
    },
    list: async (namespace) => {
      assertOpen();
      return namespaces.list(namespace);
    },
    remove: async (namespace, names) => {
      assertOpen();
      return namespaces.remove(namespace, names);
    },
  };
}
