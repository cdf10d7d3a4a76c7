import type { Clock } from '../../../clock.ts';
import type { JsonValue } from '../../../message/json.ts';
import type { RegistryEntry, SharedRegistry } from '../../shared-registry.ts';

interface Row {
  readonly text: string;
  readonly until: number | undefined;
}

/** The books of a store. */
export class MemoryNamespaces {
  readonly #clock: Clock;
  readonly #namespaces = new Map<string, Map<string, Row>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  put(
    namespace: string,
    name: string,
    { text, ttl }: { readonly text: string; readonly ttl: number | undefined },
  ): void {
    const rows = this.#namespaces.get(namespace) ?? new Map<string, Row>();
    this.#namespaces.set(
      namespace,
      rows.set(name, { text, until: ttl === undefined ? undefined : this.#clock.now() + ttl }),
    );
  }

  list(namespace: string): readonly RegistryEntry[] {
    const now = this.#clock.now();
    return [...(this.#namespaces.get(namespace) ?? [])].map(([name, { text, until }]) => ({
      name,
      value: JSON.parse(text) as JsonValue,
      ...(until === undefined || until > now ? {} : { expiredFor: now - until }),
    }));
  }

  remove(namespace: string, names: readonly string[]): number {
    const rows = this.#namespaces.get(namespace);
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
