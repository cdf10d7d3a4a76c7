import { type Clock, ClosedError, type Logger, type Subscription } from '@lovage/core/driver';
import type { RedisClient, RedisClients } from './connection.ts';
import { isRefusal, toBrokerError } from './store-errors.ts';
import { Deadline, type StoreLink } from './store-link.ts';

/** Hears one message of a channel. */
export type ChannelListener = (message: string, channel: string) => void;

/** A connection that only listens never expects a reply, so no socket timeout finds it dead: it asks now and then. */
const pingInterval = 10_000;

/** The one subscribed connection of a process: results and bus share it. ioredis subscribes again after a reconnect. */
export class Subscriber {
  readonly #clients: RedisClients;
  readonly #link: StoreLink;
  readonly #logger: Logger;
  readonly #timeout: number;
  readonly #channels = new Map<string, Set<ChannelListener>>();
  readonly #patterns = new Map<string, Set<ChannelListener>>();
  /** Of what is being asked for. */
  readonly #deadlines = new Set<Deadline>();
  #client: Promise<RedisClient> | undefined;
  #ping: { cancel(): void } | undefined;

  constructor(clients: RedisClients, link: StoreLink, options: { readonly logger: Logger; readonly timeout: number }) {
    this.#clients = clients;
    this.#link = link;
    this.#logger = options.logger;
    this.#timeout = options.timeout;
  }

  /** Listens to a channel; resolves when what is published from now on is heard. */
  subscribe(channel: string, listener: ChannelListener): Promise<Subscription> {
    return this.#listen(this.#channels, channel, listener);
  }

  /** Listens to every channel of a Redis glob pattern. */
  psubscribe(pattern: string, listener: ChannelListener): Promise<Subscription> {
    return this.#listen(this.#patterns, pattern, listener);
  }

  /** Keeps the process while somebody listens for its own sake. Calling what it returns ends that. */
  pin(): () => void {
    return this.#clients.idleExit.pin();
  }

  /** Stops the timers; the connection's socket is ended with all others. */
  close(): void {
    this.#ping?.cancel();
    for (const deadline of this.#deadlines) deadline.end(new ClosedError('the Redis connection'));
    this.#channels.clear();
    this.#patterns.clear();
  }

  async #listen(
    where: Map<string, Set<ChannelListener>>,
    name: string,
    listener: ChannelListener,
  ): Promise<Subscription> {
    const listeners = where.get(name) ?? new Set();
    where.set(name, listeners.add(listener));
    let open = true;
    const stop = async (): Promise<void> => {
      if (!open) return;
      open = false;
      listeners.delete(listener);
      if (listeners.size > 0 || where.get(name) !== listeners) return;
      where.delete(name);
      // Nobody listens any more, so nobody waits for Redis to know it: a dead one would hold up a shutdown for its 5 s.
      void this.#tell(where === this.#channels ? 'unsubscribe' : 'punsubscribe', name).catch(() => {});
    };
    try {
      await this.#tell(where === this.#channels ? 'subscribe' : 'psubscribe', name);
    } catch (error) {
      void stop();
      throw toBrokerError(error, this.#clients.target.display);
    }
    return { close: stop };
  }

  async #tell(command: 'subscribe' | 'unsubscribe' | 'psubscribe' | 'punsubscribe', name: string): Promise<void> {
    const deadline = new Deadline(this.#link.clock, this.#timeout, () =>
      this.#link.unavailable(`did not answer within ${this.#timeout} ms`),
    );
    this.#deadlines.add(deadline);
    try {
      const client = await deadline.race(this.#connected());
      const known = this.#clients.lastError(client);
      if (known && isRefusal(known)) throw known; // it is tried again in the background
      await deadline.race(client[command](name));
      this.#clients.idleExit.relax();
    } finally {
      this.#deadlines.delete(deadline);
      deadline.clear();
    }
  }

  #connected(): Promise<RedisClient> {
    this.#client ??= this.#clients.shared('subscriber').then((client) => {
      client.on('message', (channel: string, message: string) =>
        this.#hear(this.#channels.get(channel), message, channel),
      );
      client.on('pmessage', (pattern: string, channel: string, message: string) =>
        this.#hear(this.#patterns.get(pattern), message, channel),
      );
      client.on('error', (error: Error) => this.#refuse(error));
      this.#keepAsking(client, this.#link.clock);
      return client;
    });
    return this.#client;
  }

  /** Ends what is being asked for where Redis refuses the credentials or the database. */
  #refuse(error: Error): void {
    if (!isRefusal(error)) return;
    for (const deadline of this.#deadlines) deadline.end(error);
  }

  #hear(listeners: ReadonlySet<ChannelListener> | undefined, message: string, channel: string): void {
    for (const listener of listeners ?? []) {
      try {
        listener(message, channel);
      } catch (error) {
        this.#logger.error('a listener threw', { channel, error });
      }
    }
  }

  #keepAsking(client: RedisClient, clock: Clock): void {
    this.#ping = clock.after(
      pingInterval,
      () => {
        if (client.status === 'end') return;
        if (client.status === 'ready') client.ping().catch(() => {}); // a dead socket is cut by its timeout
        this.#keepAsking(client, clock);
      },
      { background: true },
    );
  }
}
