import {
  newTaskId,
  type RevocationRule,
  type RevocationStore,
  type Revocations,
  type StampValue,
} from '@lovage/core/driver';
import { z } from 'zod';
import type { Keys } from '../keys.ts';
import { scriptsOf } from '../scripts/scripts.ts';
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

/**
 * Rules of revocation as one hash, which goes with its last rule. Workers ask for its version only, until that changes. When one is
 * over is for Redis's clock to say: that of one machine must not take a rule from all the others.
 */
export class RedisRevocationStore implements RevocationStore {
  readonly #link: StoreLink;
  readonly #key: string;

  constructor(link: StoreLink, { revocations }: Keys) {
    this.#link = link;
    this.#key = revocations;
  }

  async add(rules: readonly RevocationRule[]): Promise<void> {
    const args = [newTaskId(), ...rules.flatMap((one) => [fieldOf(one), JSON.stringify(one)])];
    await this.#link.run((client) => scriptsOf(client).addRules([this.#key], args));
  }

  async read(version?: string): Promise<Revocations> {
    const current = (await this.#link.run((client) => client.hget(this.#key, versionField))) ?? '';
    if (current === version) return { version };
    const fields = await this.#link.run((client) => scriptsOf(client).readRules([this.#key], []));
    const rules: RevocationRule[] = [];
    let read = '';
    for (let index = 0; index + 1 < fields.length; index += 2) {
      const [field, text = ''] = fields.slice(index, index + 2);
      const found = field === versionField ? undefined : parseRule(text);
      if (field === versionField) read = text;
      else if (found) rules.push(found);
    }
    return { version: read, rules };
  }

  async remove(rules: readonly Pick<RevocationRule, 'stamp' | 'value'>[]): Promise<number> {
    const args = [newTaskId(), ...rules.map(fieldOf)];
    return this.#link.runOnce((client) => scriptsOf(client).removeRules([this.#key], args));
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
