import type { SealContext, Sealer } from './sealer.ts';
import type { KeyUse } from './security-options.ts';

/** Seals texts of one kind, each bound to the place where it lies. */
export class TextSeal {
  readonly #sealer: Sealer;
  readonly #kind: string;
  readonly #use: KeyUse | 'any';

  constructor(sealer: Sealer, kind: string, use: KeyUse | 'any') {
    this.#sealer = sealer;
    this.#kind = kind;
    this.#use = use;
  }

  seal(text: string, ...place: readonly string[]): string {
    return this.#sealer.seal(text, { ...this.#context(place), subject: { kind: this.#kind } });
  }

  /** Throws {@link SignatureError} and {@link DecryptionError}. */
  open(text: string, ...place: readonly string[]): string {
    return this.#sealer.open(text, this.#context(place), this.#sealer.signing?.strict === true).text;
  }

  #context(place: readonly string[]): Omit<SealContext, 'subject'> {
    return { bound: JSON.stringify([this.#kind, ...place]), what: `${this.#kind} ${place.join(' ')}`, use: this.#use };
  }
}
