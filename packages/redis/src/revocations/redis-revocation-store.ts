import {
  newTaskId,
  type RevocationRule,
  type RevocationStore,
  type Revocations,
  type StampValue,
} from '@lovage/core/driver';
import { z } from 'zod';
import type { Keys } from '../keys.ts';
import type { StoreLink } from '../store-link.ts';

/** The field of the version. Those of rules begin with a bracket. */
const versionField = 'version';

const rule = z.object({
  stamp: z.string(),
  value: z.union([z.string(), z.number(), z.boolean()]),
  terminate: z.boolean(),
  at: z.number(),
  expiresAt: z.number(),
});

/** Rules of revocation as one hash, which goes with its last rule. Workers ask for its version only, until that changes. */
export class RedisRevocationStore implements RevocationStore {
  readonly #link: StoreLink;
  readonly #key: string;

  constructor(link: StoreLink, { revocations }: Keys) {
    this.#link = link;
    this.#key = revocations;
  }

  async add(rules: readonly RevocationRule[]): Promise<void> {
    const fields = Object.fromEntries(rules.map((one) => [fieldOf(one), JSON.stringify(one)]));
    await this.#link.run((client) => client.hset(this.#key, { ...fields, [versionField]: newTaskId() }));
  }

  async read(version?: string): Promise<Revocations> {
    const current = (await this.#link.run((client) => client.hget(this.#key, versionField))) ?? '';
    if (current === version) return { version };
    const fields = await this.#link.run((client) => client.hgetall(this.#key));
    const rules: RevocationRule[] = [];
    const over: string[] = [];
    for (const [field, text] of Object.entries(fields)) {
      if (field === versionField) continue;
      const found = parseRule(text);
      if (found && found.expiresAt > Date.now()) rules.push(found);
      else over.push(field);
    }
    if (over.length > 0) await this.#drop(over, rules.length === 0);
    return { version: fields[versionField] ?? '', rules };
  }

  async remove(rules: readonly Pick<RevocationRule, 'stamp' | 'value'>[]): Promise<number> {
    const removed = await this.#link.runOnce((client) => client.hdel(this.#key, ...rules.map(fieldOf)));
    await this.#link.run((client) => client.hset(this.#key, versionField, newTaskId()));
    return removed;
  }

  /** Rules that have expired. The version stays, for what is left holds as before. */
  async #drop(fields: readonly string[], all: boolean): Promise<void> {
    await this.#link.run((client) => client.hdel(this.#key, ...fields, ...(all ? [versionField] : [])));
  }
}

function fieldOf({ stamp, value }: { readonly stamp: string; readonly value: StampValue }): string {
  return JSON.stringify([stamp, value]);
}

function parseRule(text: string): RevocationRule | undefined {
  try {
    return rule.parse(JSON.parse(text));
  } catch {
    return undefined; // not written by us
  }
}
