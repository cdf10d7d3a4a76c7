import type { JsonValue } from '../message/json.ts';
import type { Duration } from '../options/duration.ts';

/** What a key may sign: calls, what workers say, commands to workers. */
export type KeyUse = 'send' | 'work' | 'control';

/** How workers tell who may command them. */
export type ControlMode = 'signed' | 'acl' | 'open';

/** A key that signs, or proves what others have signed. Give either `secret`, or `publicKey` and where it signs `privateKey`. */
export interface SigningKey {
  /** Its name on the wire, such as `web-2027-01`. */
  readonly id: string;
  /** HMAC-SHA256: at least 32 bytes, as base64. Whoever can verify can sign. */
  readonly secret?: string | Uint8Array;
  /** Ed25519, as PEM. */
  readonly publicKey?: string;
  readonly privateKey?: string;
  /** @default all of it */
  readonly may?: readonly KeyUse[];
  /** Names of tasks that may be sent with it, or globs. @default all */
  readonly tasks?: readonly string[];
  /** Names of queues that may be sent to with it, or globs. @default all */
  readonly queues?: readonly string[];
  /** What was signed later is refused: when the key was retired, as a date or ISO text. @default never */
  readonly notAfter?: string | Date;
}

/** Signatures over everything that decides what runs. */
export interface SigningOptions {
  readonly keys: readonly SigningKey[];
  /** The id of the key that signs here. Absent: this process only verifies. */
  readonly use?: string;
  /**
   * What is refused when it is not signed: everything, nothing, or messages of these queues (names or globs). While signing is brought
   * in, `false` or a list let others through. @default true
   */
  readonly requireSignature?: boolean | readonly string[];
  /** A message is refused so long after it was sent, or after its `eta`. Results are kept at least as long, so that none runs twice. @default '1d' */
  readonly maxAge?: Duration;
  /** How far a sender's clock may be ahead. Commands may be so old. @default '1m' */
  readonly clockTolerance?: Duration;
}

/** What a key is chosen for. */
export interface EncryptionSubject {
  /** `message`, `result`, `workflow`, `schedule`, `bus`, `history`, `registry`. */
  readonly kind: string;
  /** Of messages and results. */
  readonly task?: string;
  readonly queue?: string;
  readonly headers?: Readonly<Record<string, JsonValue>>;
  readonly stamps?: Readonly<Record<string, JsonValue>>;
}

/** AES-256-GCM of arguments, headers, results, progress, workflow steps, schedules, events and failures. */
export interface EncryptionOptions {
  /** 32 bytes each, as base64. All of them decrypt. */
  readonly keys: readonly { readonly id: string; readonly secret: string | Uint8Array }[];
  /** The id of the key that encrypts, or a function that tells it (a key for each tenant, say). */
  readonly use: string | ((subject: EncryptionSubject) => string);
}

/** Signing and encryption of what an app sends and stores. */
export interface SecurityOptions {
  readonly signing?: SigningOptions;
  readonly encryption?: EncryptionOptions;
}
