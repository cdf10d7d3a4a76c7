import type { Logger } from '@lovage/core/driver';
import type { RedisClient, RedisLink } from './connection.ts';

export type ChannelListener = (message: string, channel: string) => void;

/** A silent connection is asked now and then, so that a dead one is found out. */
const pingInterval = 10_000;

/** The one subscribed connection of a process; ioredis subscribes again after a reconnect. */
export class Subscriptions {
  readonly #link: RedisLink;
  readonly #logger: Logger;
  readonly #channels = new Map<string, ChannelListener>();
  readonly #patterns = new Map<string, Set<ChannelListener>>();
  #client: Promise<RedisClient> | undefined;
  #ping: { cancel(): void } | undefined;

  constructor(link: RedisLink, logger: Logger) {
    this.#link = link;
    this.#logger = logger;
  }

  /** Listens to channels, one listener each; resolves when what comes from now on is heard. */
  async subscribe(channels: readonly string[], listener: ChannelListener): Promise<void> {
    for (const channel of channels) this.#channels.set(channel, listener);
    const client = await this.#connected();
    await client.subscribe(...channels);
  }

  unsubscribe(channels: readonly string[]): void {
    for (const channel of channels) this.#channels.delete(channel);
    void this.#client?.then((client) => client.unsubscribe(...channels)).catch(() => {}); // nobody waits for it
  }

  /** Listens to a pattern; resolves with what ends it. */
  async psubscribe(pattern: string, listener: ChannelListener): Promise<() => void> {
    const listeners = this.#patterns.get(pattern) ?? new Set();
    this.#patterns.set(pattern, listeners.add(listener));
    const client = await this.#connected();
    await client.psubscribe(pattern);
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0) return;
      this.#patterns.delete(pattern);
      void client.punsubscribe(pattern).catch(() => {});
    };
  }

  close(): void {
    this.#ping?.cancel();
    this.#channels.clear();
    this.#patterns.clear();
  }

  #connected(): Promise<RedisClient> {
    this.#client ??= this.#link.create('subscriber').then((client) => {
      client.on('message', (channel: string, message: string) =>
        this.#hear(this.#channels.get(channel), message, channel),
      );
      client.on('pmessage', (pattern: string, channel: string, message: string) => {
        for (const listener of this.#patterns.get(pattern) ?? []) this.#hear(listener, message, channel);
      });
      this.#keepAsking(client);
      return client;
    });
    return this.#client;
  }

  #hear(listener: ChannelListener | undefined, message: string, channel: string): void {
    try {
      listener?.(message, channel);
    } catch (error) {
      this.#logger.error('a listener threw', { channel, error });
    }
  }

  #keepAsking(client: RedisClient): void {
    const ask = (): void => {
      if (client.status === 'end') return;
      if (client.status === 'ready') client.ping().catch(() => {}); // a dead socket is cut by the keepalive
      this.#keepAsking(client);
    };
    this.#ping = this.#link.clock.after(pingInterval, ask, { background: true });
  }
}
