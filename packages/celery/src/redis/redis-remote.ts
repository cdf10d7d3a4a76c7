import { randomUUID } from 'node:crypto';
import type { JsonValue, Logger } from '@lovage/core/driver';
import { decodeContent } from '../protocol/content.ts';
import {
  exchanges,
  type RemoteMessage,
  type RemoteTransport,
  type ReplyAddress,
  type Unlisten,
} from '../remote/remote-transport.ts';
import type { RedisClient, RedisLink } from './connection.ts';
import { readEnvelope, unwrapEnvelope, writeEnvelope } from './envelope.ts';
import type { Keys } from './keys.ts';
import type { Subscriptions } from './subscriptions.ts';

/** How long one wait for replies lasts, in seconds. */
const replyWait = 1;
/** kombu lets replies that nobody fetched expire. */
const replyTtl = 60;

/** Celery's remote control on Redis: broadcasts as channels, replies as lists. */
export class RedisRemote implements RemoteTransport {
  readonly #link: RedisLink;
  readonly #keys: Keys;
  readonly #subscriptions: Subscriptions;
  readonly #logger: Logger;

  constructor(link: RedisLink, keys: Keys, subscriptions: Subscriptions, logger: Logger) {
    this.#link = link;
    this.#keys = keys;
    this.#subscriptions = subscriptions;
    this.#logger = logger;
  }

  broadcast(exchange: string, routingKey: string, message: RemoteMessage): Promise<number> {
    const channel = this.#keys.broadcastMembership(exchange, exchange === exchanges.commands ? undefined : routingKey);
    return this.#link.runOnce((client) => client.publish(channel, wrap(exchange, routingKey, message)));
  }

  async listenToCommands(node: string, listener: (message: RemoteMessage) => void): Promise<Unlisten> {
    const queue = `${node}.celery.pidbox`;
    await this.#bind(exchanges.commands, queue, '');
    const stop = await this.#subscriptions.psubscribe(
      literal(this.#keys.broadcastMembership(exchanges.commands)),
      (text) => this.#tell(text, listener),
    );
    return async () => {
      stop();
      await this.#unbind(exchanges.commands, queue, '').catch(() => {}); // a node that is gone is no harm
    };
  }

  async listenToEvents(exchange: string, listener: (message: RemoteMessage) => void): Promise<Unlisten> {
    const stop = await this.#subscriptions.psubscribe(
      `${literal(this.#keys.broadcastMembership(exchange))}/*`,
      (text) => this.#tell(text, listener),
    );
    return async () => stop();
  }

  /** As kombu routes a reply: to each queue that is bound with the routing key. */
  async reply({ exchange, routing_key: key }: ReplyAddress, message: RemoteMessage): Promise<void> {
    await this.#link.runOnce(async (client) => {
      const members = await client.smembers(this.#keys.binding(exchange));
      const separator = this.#link.target.options.sep;
      const queues = members
        .filter((member) => member.split(separator)[0] === key)
        .map((member) => this.#keys.queueOfBound(member));
      for (const queue of queues) {
        if (queue === undefined) continue;
        const list = this.#keys.list(queue);
        await client
          .multi()
          .lpush(list, wrap(exchange, key, message))
          .expire(list, replyTtl)
          .exec();
      }
    });
  }

  async collectReplies(routingKey: string, listener: (message: RemoteMessage) => void): Promise<Unlisten> {
    const queue = `${routingKey}.${exchanges.replies}`;
    await this.#bind(exchanges.replies, queue, routingKey);
    const client = await this.#link.create('blocking');
    let open = true;
    const loop = async (): Promise<void> => {
      while (open) {
        const found = await client.brpop(this.#keys.list(queue), replyWait);
        if (found) this.#tell(found[1], listener);
      }
    };
    loop().catch((error: unknown) => open && this.#logger.debug('could not wait for replies', { error }));
    return async () => {
      open = false;
      this.#link.end(client);
      await this.#link.run((commands) => this.#clear(commands, queue, routingKey)).catch(() => {}); // it expires
    };
  }

  async #clear(client: RedisClient, queue: string, routingKey: string): Promise<void> {
    const bound = this.#keys.bound(queue, routingKey);
    await Promise.all([
      client.srem(this.#keys.binding(exchanges.replies), bound),
      client.srem(this.#keys.permanent(exchanges.replies), bound),
      client.del(this.#keys.list(queue)),
    ]);
  }

  /** kombu 5.7 sweeps bindings that nobody refreshes, unless they are marked as permanent. */
  #bind(exchange: string, queue: string, routingKey: string): Promise<unknown> {
    const bound = this.#keys.bound(queue, routingKey);
    return this.#link.run((client) =>
      Promise.all([
        client.sadd(this.#keys.binding(exchange), bound),
        client.sadd(this.#keys.permanent(exchange), bound),
      ]),
    );
  }

  #unbind(exchange: string, queue: string, routingKey: string): Promise<unknown> {
    const bound = this.#keys.bound(queue, routingKey);
    return this.#link.run((client) =>
      Promise.all([
        client.srem(this.#keys.binding(exchange), bound),
        client.srem(this.#keys.permanent(exchange), bound),
      ]),
    );
  }

  /** What cannot be read is nobody's: the channel is open to whoever reaches Redis. */
  #tell(text: string, listener: (message: RemoteMessage) => void): void {
    let message: RemoteMessage;
    try {
      const { body, contentType, headers } = unwrapEnvelope(readEnvelope(text));
      message = { body: decodeContent(body, contentType, { integers: 'number' }) as JsonValue, headers };
    } catch (error) {
      this.#logger.debug("could not read a message of Celery's remote control", { error });
      return;
    }
    listener(message);
  }
}

function wrap(exchange: string, routingKey: string, { body, headers }: RemoteMessage): string {
  return writeEnvelope({
    body: JSON.stringify(body),
    headers,
    properties: {
      delivery_mode: 1,
      delivery_info: { exchange, routing_key: routingKey },
      priority: 0,
      delivery_tag: randomUUID(),
    },
  });
}

/** A channel's name as a pattern that means it alone. */
function literal(channel: string): string {
  return channel.replace(/[*?[\]\\]/g, '\\$&');
}
