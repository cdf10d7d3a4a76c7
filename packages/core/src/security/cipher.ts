import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import { ConfigurationError, DecryptionError } from '../errors.ts';
import type { EncryptionOptions, EncryptionSubject } from './security-options.ts';
import { readSecret } from './signing-keys.ts';

const algorithm = 'aes-256-gcm';
const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;
/** Random bytes are drawn for many IVs at once: a call for each took as long as encrypting. */
const pool = Buffer.alloc(ivBytes * 512);
let used = pool.length;

/** Encrypts and decrypts texts. */
export class Cipher {
  readonly #keys: ReadonlyMap<string, Buffer>;
  readonly #use: (subject: EncryptionSubject) => string;

  /** Throws {@link ConfigurationError}. */
  constructor({ keys, use }: EncryptionOptions, where: string) {
    if (!Array.isArray(keys) || keys.length === 0)
      throw new ConfigurationError(`${where}.keys: expected a list of keys`);
    this.#keys = new Map(keys.map(({ id, secret }) => [id, readKey(id, secret, where)]));
    if (typeof use === 'string' && !this.#keys.has(use))
      throw new ConfigurationError(`${where}.use: there is no key "${use}"`);
    if (typeof use !== 'string' && typeof use !== 'function')
      throw new ConfigurationError(`${where}.use: expected the id of a key, or a function that tells it`);
    this.#use = typeof use === 'string' ? () => use : use;
  }

  /** The key's id, and IV, text and tag as base64. `bound` is proved with it: what it is the text of. Throws {@link DecryptionError}. */
  encrypt(text: string, bound: string, subject: EncryptionSubject): readonly [key: string, sealed: string] {
    const id = this.#use(subject);
    const key = this.#keys.get(id);
    if (key === undefined)
      throw new DecryptionError(`security.encryption.use named the key "${id}", which is not in the list`);
    const iv = nextIv();
    const cipher = createCipheriv(algorithm, key, iv, { authTagLength: tagBytes });
    cipher.setAAD(Buffer.from(bound));
    const head = cipher.update(text, 'utf8');
    const tail = cipher.final();
    return [id, Buffer.concat([iv, head, tail, cipher.getAuthTag()]).toString('base64')];
  }

  /** Throws {@link DecryptionError}. */
  decrypt(id: string, sealed: string, bound: string, what: string): string {
    const key = this.#keys.get(id);
    if (key === undefined)
      throw new DecryptionError(
        `${what} is encrypted with key "${id.slice(0, 100)}", which this process does not have`,
      );
    const bytes = Buffer.from(sealed, 'base64');
    try {
      const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes });
      decipher.setAAD(Buffer.from(bound));
      decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
      const text = decipher.update(bytes.subarray(ivBytes, bytes.length - tagBytes), undefined, 'utf8');
      return text + decipher.final('utf8');
    } catch (error) {
      throw new DecryptionError(
        `${what} cannot be decrypted with key "${id}": it was altered, or another key has that id`,
        { cause: error },
      );
    }
  }
}

function readKey(id: string, secret: string | Uint8Array, where: string): Buffer {
  const at = `${where}.keys: key "${id}"`;
  const key = readSecret(secret, at);
  if (key.length === keyBytes) return key;
  throw new ConfigurationError(
    `${at}: the secret has ${key.length} bytes, exactly ${keyBytes} are needed: openssl rand -base64 32`,
  );
}

function nextIv(): Buffer {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += ivBytes;
  return Buffer.from(pool.subarray(used - ivBytes, used));
}
