import type { Bus } from '../driver/bus.ts';
import type { Subscription } from '../driver/result-backend.ts';
import { SignatureError } from '../errors.ts';
import { changeTopic } from '../events/control-message.ts';
import type { Logger } from '../logger.ts';
import type { JsonValue } from '../message/json.ts';
import type { SealContext, Sealer } from './sealer.ts';
import { noteSigner } from './signer-of.ts';

/** Copies of commands within the time that one is believed, at most; more are refused until that is over. */
const mostRemembered = 10_000;
/** What is refused is said once for so many. */
const sayEvery = 1_000;

/** A bus whose messages are sealed; what cannot be opened is dropped, and the log says so. */
export class SealedBus implements Bus {
  readonly counts: boolean;
  readonly #inner: Bus;
  readonly #sealer: Sealer;
  readonly #logger: Logger;
  readonly #seen = new Map<string, number>();
  #dropped = 0;

  constructor(inner: Bus, sealer: Sealer, logger: Logger) {
    this.#inner = inner;
    this.#sealer = sealer;
    this.#logger = logger;
    this.counts = inner.counts === true;
  }

  publish(topic: string, message: JsonValue): Promise<number | undefined> {
    const context = { ...contextOf(topic), subject: { kind: 'bus' } };
    let sealed: string;
    try {
      sealed = this.#sealer.seal(JSON.stringify(message), context);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#inner.publish(topic, sealed);
  }

  subscribe(pattern: string, listener: (message: JsonValue, topic: string) => void): Promise<Subscription> {
    return this.#inner.subscribe(pattern, (sealed, topic) => {
      const message = this.#open(sealed, topic);
      if (message !== undefined) listener(message, topic);
    });
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #open(sealed: JsonValue, topic: string): JsonValue | undefined {
    try {
      const strict = this.#sealer.signing?.strict === true;
      if (typeof sealed !== 'string') {
        if (strict) throw new SignatureError(`a message on the topic ${topic} is not signed`);
        return sealed;
      }
      const { text, key, signedAt } = this.#sealer.open(sealed, contextOf(topic), strict);
      const message: JsonValue = JSON.parse(text);
      if (topic === changeTopic && key) this.#assertNew(sealed, signedAt ?? 0);
      if (key) noteSigner(message, key.id);
      return message;
    } catch (error) {
      if (this.#dropped++ % sayEvery === 0)
        this.#logger.warn('dropped a message of the bus', { topic, error, dropped: this.#dropped });
      return undefined;
    }
  }

  /** A command is believed for `clockTolerance`, once. */
  #assertNew(sealed: string, signedAt: number): void {
    const { signing, clock } = this.#sealer;
    const tolerance = signing?.clockTolerance ?? 0;
    const now = clock.now();
    if (now - signedAt > tolerance)
      throw new SignatureError('a command was signed too long ago (security.signing.clockTolerance)');
    for (const [known, at] of this.#seen) if (now - at > 2 * tolerance) this.#seen.delete(known);
    const name = sealed.slice(-100);
    if (this.#seen.has(name)) throw new SignatureError('a command was sent a second time');
    if (this.#seen.size >= mostRemembered) throw new SignatureError('too many commands came at once');
    this.#seen.set(name, now);
  }
}

function contextOf(topic: string): Omit<SealContext, 'subject'> {
  const use = topic === changeTopic ? 'control' : 'any';
  return { bound: JSON.stringify(['bus', topic]), what: `a message on the topic ${topic}`, use };
}
