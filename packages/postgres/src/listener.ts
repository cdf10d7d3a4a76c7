import { createHash } from 'node:crypto';
import { type Clock, ClosedError, type Logger, type Subscription, sleep, withDeadline } from '@lovage/core/driver';
import { type Client, createListeningClient } from './connection.ts';
import type { PostgresLink } from './link.ts';
import { quoteName } from './link.ts';
import { toStoreError } from './store-errors.ts';

/** Hears the payload of one notification. */
export type ChannelListener = (payload: string) => void;

/** A connection that only listens expects no reply, so nothing finds it dead: it asks now and then, in milliseconds. */
const pingInterval = 10_000;
const pauses = { first: 50, longest: 2_000 };

/** The channel of an inbox or topic: names of PostgreSQL are cut off after 63 bytes, so it is a digest. */
export function channelOf(schema: string, address: string): string {
  return `lovage_${createHash('sha256').update(`${schema}\n${address}`).digest('base64url').slice(0, 22)}`;
}

/**
 * The one listening connection of a process. When it is lost it is opened again and listens to the same channels; what was told meanwhile
 * is lost, so whoever waits also looks for itself.
 */
export class PostgresListener {
  readonly #link: PostgresLink;
  readonly #logger: Logger;
  readonly #channels = new Map<string, Set<ChannelListener>>();
  readonly #onReconnect = new Set<() => void>();
  readonly #ended = new AbortController();
  #client: Promise<Client> | undefined;
  #ping: { cancel(): void } | undefined;

  constructor(link: PostgresLink, logger: Logger) {
    this.#link = link;
    this.#logger = logger;
  }

  /** Resolves when what is told from now on is heard. `onReconnect`: rings may have been missed. */
  async listen(channel: string, listener: ChannelListener, onReconnect?: () => void): Promise<Subscription> {
    if (this.#ended.signal.aborted) throw new ClosedError('the PostgreSQL connection');
    const listeners = this.#channels.get(channel) ?? new Set();
    const own: ChannelListener = (payload) => listener(payload); // the same listener may listen twice
    this.#channels.set(channel, listeners.add(own));
    if (onReconnect) this.#onReconnect.add(onReconnect);
    const stop = async (): Promise<void> => {
      if (onReconnect) this.#onReconnect.delete(onReconnect);
      if (!listeners.delete(own) || listeners.size > 0 || this.#channels.get(channel) !== listeners) return;
      this.#channels.delete(channel);
      const client = await this.#client?.catch(() => undefined);
      if (!this.#channels.has(channel)) await client?.query(`UNLISTEN ${quoteName(channel)}`).catch(() => {});
    };
    try {
      await this.#tell(channel);
    } catch (error) {
      void stop();
      throw toStoreError(error, this.#link.target.display);
    }
    return { close: stop };
  }

  async close(): Promise<void> {
    this.#ended.abort();
    this.#ping?.cancel();
    this.#channels.clear();
    const client = await this.#client?.catch(() => undefined);
    await client?.end().catch(() => {});
  }

  /** The schema is looked at first, by the link: nobody waits for rings of a schema that is not there. */
  async #tell(channel: string): Promise<void> {
    await this.#link.query('SELECT 1');
    this.#client ??= this.#connect();
    const client = await this.#client;
    await client.query(`LISTEN ${quoteName(channel)}`);
  }

  async #connect(): Promise<Client> {
    const { target, times, clock } = this.#link;
    const client = await createListeningClient(target, times);
    client.on('notification', ({ channel, payload = '' }) => this.#hear(channel, payload));
    client.on('error', () => {}); // 'end' follows
    client.once('end', () => this.#lost(client));
    try {
      await client.connect();
    } catch (error) {
      this.#client = undefined;
      throw error;
    }
    this.#keepAsking(client, clock);
    return client;
  }

  #lost(client: Client): void {
    this.#ping?.cancel();
    if (this.#ended.signal.aborted || this.#client === undefined) return;
    void client.end().catch(() => {});
    this.#client = this.#again();
    this.#client.catch(() => {}); // it ends with the listener only
  }

  async #again(): Promise<Client> {
    const { clock } = this.#link;
    for (let pause = pauses.first; ; pause = Math.min(pause * 2, pauses.longest)) {
      await sleep(clock, pause, this.#ended.signal);
      try {
        const client = await this.#reopen();
        for (const onReconnect of [...this.#onReconnect]) onReconnect();
        return client;
      } catch (error) {
        this.#logger.debug('the listening connection is not back yet', { error });
      }
    }
  }

  async #reopen(): Promise<Client> {
    const { target, times, clock } = this.#link;
    const client = await createListeningClient(target, times);
    client.on('notification', ({ channel, payload = '' }) => this.#hear(channel, payload));
    client.on('error', () => {});
    try {
      await client.connect();
      for (const channel of this.#channels.keys()) await client.query(`LISTEN ${quoteName(channel)}`);
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
    client.once('end', () => this.#lost(client));
    this.#keepAsking(client, clock);
    return client;
  }

  #hear(channel: string, payload: string): void {
    for (const listener of [...(this.#channels.get(channel) ?? [])]) {
      try {
        listener(payload);
      } catch (error) {
        this.#logger.error('a listener threw', { error });
      }
    }
  }

  #keepAsking(client: Client, clock: Clock): void {
    this.#ping = clock.after(
      pingInterval,
      () => {
        const late = (): Error => new Error('no answer');
        withDeadline(clock, this.#link.times.socketTimeout, client.query('SELECT 1'), late).then(
          () => this.#keepAsking(client, clock),
          () => endHard(client),
        );
      },
      { background: true },
    );
  }
}

/** Its socket may be dead: a polite end would wait for a reply. */
function endHard(client: Client): void {
  (client as unknown as { readonly connection: { readonly stream: { destroy(): void } } }).connection.stream.destroy();
}
