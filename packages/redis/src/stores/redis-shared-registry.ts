import type { JsonValue, RegistryEntry, SharedRegistry } from '@lovage/core/driver';
import type { Keys } from '../keys.ts';
import { scriptsOf } from '../scripts/scripts.ts';
import type { StoreLink } from '../store-link.ts';

/** Books as hashes: the name, and its time and value as one text. */
export class RedisSharedRegistry implements SharedRegistry {
  readonly #link: StoreLink;
  readonly #keys: Keys;

  constructor(link: StoreLink, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
  }

  async put(namespace: string, name: string, value: JsonValue, ttl?: number): Promise<void> {
    const text = JSON.stringify(value);
    await this.#link.run((client) =>
      scriptsOf(client).putEntry([this.#keys.namespace(namespace)], [name, text, ttl ?? '']),
    );
  }

  async list(namespace: string): Promise<readonly RegistryEntry[]> {
    const [[seconds, micros], rows] = await this.#link.run((client) =>
      Promise.all([client.time(), client.hgetall(this.#keys.namespace(namespace))]),
    );
    const now = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
    return Object.entries(rows).flatMap(([name, text]) => parseEntry(name, text, now) ?? []);
  }

  async remove(namespace: string, names: readonly string[]): Promise<number> {
    if (names.length === 0) return 0;
    return this.#link.run((client) => client.hdel(this.#keys.namespace(namespace), ...names));
  }
}

/** Foreign bytes in the hash are passed over. */
function parseEntry(name: string, text: string, now: number): RegistryEntry | undefined {
  const split = text.indexOf(' ');
  const until = Number(text.slice(0, split));
  try {
    const value = JSON.parse(text.slice(split + 1)) as JsonValue;
    return { name, value, ...(until > 0 && until <= now ? { expiredFor: now - until } : {}) };
  } catch {
    return undefined;
  }
}
