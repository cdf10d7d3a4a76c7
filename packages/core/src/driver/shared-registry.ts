import type { JsonValue } from '../message/json.ts';

/** One entry of a book. */
export interface RegistryEntry {
  readonly name: string;
  readonly value: JsonValue;
  /** How long ago its time ran out, in milliseconds by the store's clock; absent while it lasts. */
  readonly expiredFor?: number;
}

/** Who is there, and what was declared: small books of named entries that every process can read. */
export interface SharedRegistry {
  /** Writes an entry, over one of the same name. With `ttl` (milliseconds) it is expired unless it is written again by then. */
  put(namespace: string, name: string, value: JsonValue, ttl?: number): Promise<void>;
  /** All entries of a book; expired ones too, until they are removed. */
  list(namespace: string): Promise<readonly RegistryEntry[]>;
  /** Deletes entries; returns how many of them were there. */
  remove(namespace: string, names: readonly string[]): Promise<number>;
}
