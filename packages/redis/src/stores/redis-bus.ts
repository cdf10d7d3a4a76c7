import { type Bus, ConfigurationError, type JsonValue, type Subscription } from '@lovage/core/driver';
import { isCluster } from '../connection.ts';
import type { Keys } from '../keys.ts';
import { scriptsOf } from '../scripts/scripts.ts';
import type { StoreLink } from '../store-link.ts';
import type { Subscriber } from '../subscriber.ts';

/** Remote control and events over Redis pub/sub: at most once, to whoever listens now. */
export class RedisBus implements Bus {
  readonly counts: boolean;
  readonly #link: StoreLink;
  readonly #subscriber: Subscriber;
  readonly #keys: Keys;

  /** `counts`: not in a cluster, where a node knows its own listeners only. */
  constructor(
    link: StoreLink,
    subscriber: Subscriber,
    { keys, counts }: { readonly keys: Keys; readonly counts: boolean },
  ) {
    this.counts = counts;
    this.#link = link;
    this.#subscriber = subscriber;
    this.#keys = keys;
  }

  async publish(topic: string, message: JsonValue): Promise<number | undefined> {
    const text = JSON.stringify(message);
    const channel = this.#keys.busTopic(topic);
    return this.#link.runOnce(async (client) => {
      if (!isCluster(client)) return client.publish(channel, text);
      await scriptsOf(client).publishFrom([this.#keys.mark], [channel, text]);
      return undefined; // a node knows its own listeners only
    });
  }

  /** A process that listens is kept by it. */
  async subscribe(pattern: string, listener: (message: JsonValue, topic: string) => void): Promise<Subscription> {
    const hear = (text: string, channel: string): void => {
      const topic = channel.slice(this.#keys.busTopic('').length);
      if (pattern.endsWith('*') && topic.length < pattern.length) return; // `a.*` stands for one or more parts: not for `a.`
      const message = parse(text);
      if (message !== undefined) listener(message, topic);
    };
    const star = pattern.indexOf('*');
    if (star < 0) return this.#pinned(this.#subscriber.subscribe(this.#keys.busTopic(pattern), hear));
    if (star !== pattern.length - 1 || (star > 0 && pattern[star - 1] !== '.')) {
      throw new ConfigurationError(`bus pattern "${pattern}": "*" may only stand for the last parts, as in "worker.*"`);
    }
    return this.#pinned(this.#subscriber.psubscribe(this.#keys.busPattern(pattern), hear));
  }

  async #pinned(opening: Promise<Subscription>): Promise<Subscription> {
    const release = this.#subscriber.pin();
    try {
      const subscription = await opening;
      return {
        close: () => {
          release();
          return subscription.close();
        },
      };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** The connection owns the sockets. */
  async close(): Promise<void> {}
}

/** Foreign bytes on a channel of ours are dropped: nobody can be told about them. */
function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
