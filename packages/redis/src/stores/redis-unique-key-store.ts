import type { HeldUniqueKey, UniqueKeyRequest, UniqueKeyStore } from '@lovage/core/driver';
import type { Keys } from '../keys.ts';
import { scriptsOf } from '../scripts/scripts.ts';
import type { StoreLink } from '../store-link.ts';

/** Claims as one hash each, with an expiry, by this Redis's clock. */
export class RedisUniqueKeyStore implements UniqueKeyStore {
  readonly #link: StoreLink;
  readonly #keys: Keys;

  constructor(link: StoreLink, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
  }

  async acquire(name: string, request: UniqueKeyRequest): Promise<HeldUniqueKey | undefined> {
    const { id, queue, ttl, replaceHolder = '', replace = false, published = false, debounceWindow: burst } = request;
    const flags = [published ? '1' : '', replaceHolder, replace ? '1' : ''];
    const bounds = burst ? [burst.period, Math.min(burst.timeout, Number.MAX_SAFE_INTEGER)] : ['', ''];
    const args = [id, queue, Math.max(1, Math.ceil(ttl)), ...flags, ...bounds];
    const found = await this.#link.run((client) => scriptsOf(client).acquireUniqueKey([this.#keys.claim(name)], args));
    if (found === null) return undefined;
    const [holder, stands, confirmed, age, since, before, place] = found;
    const claim = { id: holder, queue: stands, published: confirmed === '1', age, since };
    return before === '' ? claim : { ...claim, previousHolder: { id: before, queue: place } };
  }

  async confirm(name: string, id: string): Promise<string | undefined> {
    const holder = await this.#link.run((client) => scriptsOf(client).confirmUniqueKey([this.#keys.claim(name)], [id]));
    return holder ?? undefined;
  }

  /** After a lost reply the repetition may say that there was nothing to free. */
  async release(name: string, id: string): Promise<boolean> {
    return (await this.#link.run((client) => scriptsOf(client).releaseUniqueKey([this.#keys.claim(name)], [id]))) === 1;
  }
}
