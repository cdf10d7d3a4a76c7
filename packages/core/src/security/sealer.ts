import type { Clock } from '../clock.ts';
import { DecryptionError, SignatureError } from '../errors.ts';
import { formatDuration } from '../options/duration.ts';
import { Cipher } from './cipher.ts';
import type { EncryptionSubject, KeyUse, SecurityOptions } from './security-options.ts';
import { type LoadedKey, SigningKeys } from './signing-keys.ts';

/** How a sealed text begins; the rest is JSON: encryption key, text or ciphertext, signing key, when it was signed, signature. */
const mark = 'sealed:1:';
const version = 'lovage/1';

/** What a text is, for its seal: nothing sealed for one place passes in another. */
export interface SealContext {
  /** Everything that it belongs to, as one unambiguous text. */
  readonly bound: string;
  /** For errors: `message 0198… of task "add"`. */
  readonly what: string;
  readonly subject: EncryptionSubject;
  /** What its signer must be allowed. */
  readonly use: KeyUse | 'any';
}

/** A text that was opened: who signed it, and when. Both undefined for one that was not signed. */
export interface Opened {
  readonly text: string;
  readonly key: LoadedKey | undefined;
  readonly signedAt: number | undefined;
}

/** Signs and encrypts texts, and opens them again. */
export class Sealer {
  readonly signing: SigningKeys | undefined;
  readonly cipher: Cipher | undefined;
  readonly clock: Pick<Clock, 'now'>;

  /** Throws {@link ConfigurationError}. */
  constructor({ signing, encryption }: SecurityOptions, clock: Pick<Clock, 'now'>, where: string) {
    this.signing = signing && new SigningKeys(signing, `${where}: security.signing`);
    this.cipher = encryption && new Cipher(encryption, `${where}: security.encryption`);
    this.clock = clock;
  }

  /** Encrypts, then signs. Throws {@link SignatureError} where this process may not, {@link DecryptionError}. */
  seal(text: string, context: SealContext): string {
    const { bound, what, subject, use } = context;
    const secret = subject.kind === 'step' ? undefined : this.cipher; // which says what the message says in clear
    const [cipherKey, body] = secret?.encrypt(text, bound, subject) ?? ['', text];
    if (!this.signing) return mark + JSON.stringify([cipherKey, body, '', 0, '']);
    const key = this.signing.signer(use, what);
    const at = this.clock.now();
    return mark + JSON.stringify([cipherKey, body, key.id, at, key.sign(signed(bound, [key.id, at, cipherKey, body]))]);
  }

  /**
   * Verifies, then decrypts. `required`: a text without a signature is refused. Throws {@link SignatureError} and
   * {@link DecryptionError}.
   */
  open(sealed: string, context: Omit<SealContext, 'subject'>, required: boolean): Opened {
    const { bound, what, use } = context;
    const parts = readParts(sealed);
    if (parts === undefined) {
      if (this.signing && required) throw new SignatureError(`${what} is not signed`);
      return { text: sealed, key: undefined, signedAt: undefined };
    }
    const [cipherKey, body, keyId, at, signature] = parts;
    const key =
      keyId === ''
        ? undefined
        : this.#verify({ keyId, signature, at, text: signed(bound, [keyId, at, cipherKey, body]) }, what, use);
    if (key === undefined && this.signing && required) throw new SignatureError(`${what} is not signed`);
    if (cipherKey !== '' && this.cipher === undefined)
      throw new DecryptionError(`${what} is encrypted, and this process has no keys (security.encryption)`);
    const text = cipherKey === '' ? body : (this.cipher as Cipher).decrypt(cipherKey, body, bound, what);
    return { text, key, signedAt: key && at };
  }

  #verify(
    {
      keyId,
      signature,
      at,
      text,
    }: { readonly keyId: string; readonly signature: string; readonly at: number; readonly text: string },
    what: string,
    use: KeyUse | 'any',
  ): LoadedKey | undefined {
    if (!this.signing) return undefined; // this process does not verify
    const key = this.signing.key(keyId, what);
    if (!key.verify(text, signature))
      throw new SignatureError(
        `${what} has a signature that is not right: it was altered, or another key has the id "${key.id}"`,
      );
    if (use !== 'any' && !key.may.has(use))
      throw new SignatureError(`${what} is signed with key "${key.id}", which may not "${use}"`);
    if (at > key.notAfter) throw new SignatureError(`${what} was signed with key "${key.id}" after that was retired`);
    const ahead = at - this.clock.now();
    if (ahead > this.signing.clockTolerance)
      throw new SignatureError(
        `${what} was signed ${formatDuration(ahead)} in the future: set the clock of its sender, or of this machine`,
      );
    return key;
  }
}

/** What is signed: a list of texts and numbers as JSON, which reads in one way only. */
function signed(bound: string, parts: readonly [keyId: string, at: number, cipherKey: string, body: string]): string {
  return JSON.stringify([version, bound, ...parts]);
}

type Parts = readonly [cipherKey: string, body: string, key: string, at: number, signature: string];

/** The parts of a sealed text; undefined for any other. */
function readParts(sealed: string): Parts | undefined {
  if (!sealed.startsWith(mark)) return undefined;
  let parts: unknown;
  try {
    parts = JSON.parse(sealed.slice(mark.length));
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts) || parts.length !== 5) return undefined;
  const fits = parts.every((part, index) => (index === 3 ? Number.isSafeInteger(part) : typeof part === 'string'));
  return fits ? (parts as unknown as Parts) : undefined;
}

/** Whether this text was sealed. */
export function isSealed(text: unknown): text is string {
  return typeof text === 'string' && text.startsWith(mark);
}

/** A value of JSON as text, its keys in order, so that a store may keep them in any. */
export function stable(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(stable).join()}]`;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${stable(field)}`).join()}}`;
}
