import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import { ConfigurationError, SignatureError } from '../errors.ts';
import { parseDuration } from '../options/duration.ts';
import { compilePattern } from '../task/route.ts';
import type { KeyUse, SigningKey, SigningOptions } from './security-options.ts';

const uses: readonly KeyUse[] = ['send', 'work', 'control'];
/** HMAC-SHA256 is as strong as its key. */
const shortestSecret = 32;

/** A key, read. Its algorithm is its own: nothing on the wire chooses one. */
export interface LoadedKey {
  readonly id: string;
  readonly canSign: boolean;
  readonly may: ReadonlySet<KeyUse>;
  readonly notAfter: number;
  sendsTask(task: string): boolean;
  sendsTo(queue: string): boolean;
  sign(text: string): string;
  verify(text: string, signature: string): boolean;
}

/** The keys of a process: one that signs, all that verify. */
export class SigningKeys {
  readonly own: LoadedKey | undefined;
  readonly maxAge: number;
  readonly clockTolerance: number;
  /** Whether everything beside messages must be signed. */
  readonly strict: boolean;
  readonly #keys: ReadonlyMap<string, LoadedKey>;
  readonly #required: (queue: string) => boolean;

  /** Throws {@link ConfigurationError}. */
  constructor(
    { keys, use, requireSignature = true, maxAge = '1d', clockTolerance = '1m' }: SigningOptions,
    where: string,
  ) {
    if (!Array.isArray(keys) || keys.length === 0)
      throw new ConfigurationError(`${where}.keys: expected a list of keys`);
    const read = keys.map((key) => readKey(key, where));
    this.#keys = new Map(read.map((key) => [key.id, key]));
    if (this.#keys.size < read.length) throw new ConfigurationError(`${where}.keys: two keys have one id`);
    this.own = use === undefined ? undefined : this.#keys.get(use);
    if (use !== undefined && !this.own?.canSign)
      throw new ConfigurationError(
        `${where}.use: "${use}" is not a key that can sign: it needs a secret, or a privateKey`,
      );
    this.strict = requireSignature === true;
    this.#required =
      typeof requireSignature === 'boolean'
        ? () => requireSignature
        : anyOf(requireSignature, `${where}.requireSignature`);
    this.maxAge = parseDuration(maxAge, `${where}.maxAge`);
    this.clockTolerance = parseDuration(clockTolerance, `${where}.clockTolerance`);
  }

  /** Whether messages of this queue must be signed. */
  requires(queue: string): boolean {
    return this.#required(queue);
  }

  /** The key that signs here for this use. Throws {@link SignatureError}. */
  signer(use: KeyUse | 'any', what: string): LoadedKey {
    const { own } = this;
    if (own === undefined)
      throw new SignatureError(`${what} cannot be signed: this process has no key of its own (security.signing.use)`);
    if (use !== 'any' && !own.may.has(use))
      throw new SignatureError(`${what} cannot be signed: key "${own.id}" may not "${use}"`);
    return own;
  }

  /** The key of this id. Throws {@link SignatureError} for one that is not in the signing. */
  key(id: string, what: string): LoadedKey {
    const key = this.#keys.get(id);
    if (key) return key;
    throw new SignatureError(
      `${what} is signed with key "${id.slice(0, 100)}", which is not among the keys of this process`,
    );
  }
}

function readKey(
  { id, secret, publicKey, privateKey, may = uses, tasks, queues, notAfter }: SigningKey,
  where: string,
): LoadedKey {
  if (typeof id !== 'string' || !/^[\w.-]{1,100}$/.test(id))
    throw new ConfigurationError(`${where}.keys: an id is up to 100 letters, digits, ".", "_" and "-"`);
  const at = `${where}.keys: key "${id}"`;
  const wrong = may.find((use) => !uses.includes(use));
  if (wrong !== undefined) throw new ConfigurationError(`${at}: may: "${wrong}" is none of ${uses.join(', ')}`);
  const until = notAfter === undefined ? Number.POSITIVE_INFINITY : new Date(notAfter).getTime();
  if (Number.isNaN(until)) throw new ConfigurationError(`${at}: notAfter: expected a date, or its ISO text`);
  const algorithm = secret === undefined ? ed25519(publicKey, privateKey, at) : hmac(secret, at);
  if (secret !== undefined && (publicKey !== undefined || privateKey !== undefined))
    throw new ConfigurationError(`${at}: has a secret (HMAC) and a key pair (Ed25519): give one of both`);
  return {
    id,
    ...algorithm,
    may: new Set(may),
    notAfter: until,
    sendsTask: tasks ? anyOf(tasks, `${at}: tasks`) : () => true,
    sendsTo: queues ? anyOf(queues, `${at}: queues`) : () => true,
  };
}

type Algorithm = Pick<LoadedKey, 'canSign' | 'sign' | 'verify'>;

function hmac(secret: string | Uint8Array, at: string): Algorithm {
  const key = readSecret(secret, at);
  if (key.length < shortestSecret)
    throw new ConfigurationError(
      `${at}: the secret has ${key.length} bytes, at least ${shortestSecret} are needed: openssl rand -base64 32`,
    );
  const digest = (text: string): Buffer => createHmac('sha256', key).update(text).digest();
  return {
    canSign: true,
    sign: (text) => digest(text).toString('base64'),
    verify(text, signature) {
      const given = Buffer.from(signature);
      const right = Buffer.from(digest(text).toString('base64'));
      return given.length === right.length && timingSafeEqual(given, right);
    },
  };
}

function ed25519(publicPem: string | undefined, privatePem: string | undefined, at: string): Algorithm {
  const read = (make: () => KeyObject): KeyObject => {
    try {
      const key = make();
      if (key.asymmetricKeyType === 'ed25519') return key;
    } catch (error) {
      throw new ConfigurationError(`${at}: not a PEM key of Ed25519: ${(error as Error).message}`, { cause: error });
    }
    throw new ConfigurationError(`${at}: not a key of Ed25519: openssl genpkey -algorithm ed25519`);
  };
  if (publicPem === undefined && privatePem === undefined)
    throw new ConfigurationError(`${at}: has neither a secret (HMAC) nor a publicKey (Ed25519)`);
  const privateKey = privatePem === undefined ? undefined : read(() => createPrivateKey(privatePem));
  const publicKey =
    publicPem === undefined ? createPublicKey(privateKey as KeyObject) : read(() => createPublicKey(publicPem));
  return {
    canSign: privateKey !== undefined,
    sign: (text) => sign(null, Buffer.from(text), privateKey as KeyObject).toString('base64'),
    verify(text, signature) {
      const bytes = Buffer.from(signature, 'base64');
      // One text for one signature: base64 has several for the same bytes.
      return bytes.toString('base64') === signature && verify(null, Buffer.from(text), publicKey, bytes);
    },
  };
}

/** Bytes, or base64 of them. */
export function readSecret(secret: string | Uint8Array, at: string): Buffer {
  if (typeof secret !== 'string') return Buffer.from(secret);
  if (/^[A-Za-z0-9+/_-]+={0,2}$/.test(secret)) return Buffer.from(secret, 'base64');
  throw new ConfigurationError(`${at}: the secret is not base64: openssl rand -base64 32`);
}

function anyOf(patterns: readonly string[], where: string): (name: string) => boolean {
  if (!Array.isArray(patterns)) throw new ConfigurationError(`${where}: expected a list of names or globs`);
  const fits = patterns.map((pattern) => compilePattern(pattern));
  return (name) => fits.some((one) => one(name));
}
