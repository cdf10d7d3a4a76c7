import { randomUUID } from 'node:crypto';
import type { Timer } from '@lovage/core/driver';
import type { RedisLink } from './connection.ts';
import { type Envelope, readEnvelope } from './envelope.ts';
import type { Keys } from './keys.ts';
import { scriptsOf } from './scripts.ts';

/** The lock of one look, as kombu sets it. */
const mutexTtl = 300_000;
/** Orphans in one look. */
const mostAtOnce = 1_000;

/** Hands messages of lost workers to others: those that nobody has shown to be alive for the visibility timeout, whoever took them. */
export class Restorer {
  readonly #link: RedisLink;
  readonly #keys: Keys;
  readonly #interval: number;
  readonly #onError: (error: Error) => void;
  #timer: Timer | undefined;
  #closed = false;

  constructor(
    link: RedisLink,
    keys: Keys,
    options: { readonly interval: number; readonly onError: (error: Error) => void },
  ) {
    this.#link = link;
    this.#keys = keys;
    this.#interval = options.interval;
    this.#onError = options.onError;
  }

  start(): void {
    void this.#look().finally(() => {
      if (!this.#closed) this.#timer = this.#link.clock.after(this.#interval, () => this.start());
    });
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const owner = randomUUID();
    const { unackedMutex, unackedIndex } = this.#keys;
    const oldest = (this.#link.clock.now() - this.#link.target.options.visibilityTimeout) / 1_000;
    try {
      const tags = await this.#link.run((client) =>
        client.zrangebyscore(unackedIndex, 0, oldest, 'LIMIT', 0, mostAtOnce),
      );
      if (tags.length === 0) return;
      const locked = await this.#link.run((client) => client.set(unackedMutex, owner, 'PX', mutexTtl, 'NX'));
      if (locked === null) return;
      try {
        for (const tag of tags.reverse()) await this.#restore(tag, oldest); // each goes to the front: the oldest last
      } finally {
        await this.#link.run((client) => scriptsOf(client).lease([unackedMutex, unackedMutex], ['release', owner, 0]));
      }
    } catch (error) {
      if (!this.#closed) this.#onError(error as Error);
    }
  }

  async #restore(tag: string, oldest: number): Promise<void> {
    const { unacked, unackedIndex } = this.#keys;
    const found = await this.#link.run((client) => client.hget(unacked, tag));
    if (found === null) {
      await this.#link.run((client) => client.zrem(unackedIndex, tag));
      return;
    }
    const { text, exchange, routingKey, priority } = unpack(found);
    const queues = await this.#queuesOf(exchange, routingKey);
    const lists = queues.map((queue) => this.#keys.list(queue, priority));
    await this.#link.run((client) =>
      scriptsOf(client).restore([unacked, unackedIndex, ...lists], [tag, oldest, found, text]),
    );
  }

  /** As kombu looks up a route; the routing key is the queue where the exchange knows nobody. */
  async #queuesOf(exchange: string, routingKey: string): Promise<readonly string[]> {
    if (exchange === '') return [routingKey];
    const members = await this.#link.run((client) => client.smembers(this.#keys.binding(exchange)));
    const queues = members
      .filter((member) => member.startsWith(routingKey))
      .map((member) => this.#keys.queueOfBound(member));
    const found = queues.filter((queue) => queue !== undefined);
    return found.length > 0 ? found : [routingKey];
  }
}

interface Unpacked {
  readonly text: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly priority: number;
}

/** Of `[envelope, exchange, routing key]`; the envelope says from now on that it was delivered before. */
function unpack(found: string): Unpacked {
  const [raw, exchange, routingKey] = JSON.parse(found) as [unknown, string, string];
  const place = { exchange: exchange ?? '', routingKey };
  try {
    const envelope: Envelope = readEnvelope(JSON.stringify(raw));
    const { headers, properties } = envelope;
    const info = { ...(properties.delivery_info as object | undefined), redelivered: true };
    const again = {
      ...envelope,
      headers: { ...headers, redelivered: true },
      properties: { ...properties, delivery_info: info },
    };
    return { ...place, text: JSON.stringify(again), priority: Number(properties.priority ?? 0) || 0 };
  } catch {
    return { ...place, text: JSON.stringify(raw), priority: 0 }; // whoever takes it parks it
  }
}
