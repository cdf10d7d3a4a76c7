import {
  BrokerAuthenticationError,
  BrokerTlsError,
  BrokerUnavailableError,
  type Clock,
  ClosedError,
  type ConnectionOptions,
  type Logger,
  LovageError,
  tlsOptions,
  tlsProblem,
  withDeadline,
} from '@lovage/core/driver';
import type { Channel, Connection, Envelope } from 'rabbitmq-client';
import type { AmqpTarget } from './amqp-url.ts';

/** One connection to RabbitMQ, made at its first use and again when it is lost, and a channel that publishes with confirms. */
export class AmqpLink {
  readonly target: AmqpTarget;
  readonly clock: Clock;
  readonly #options: ConnectionOptions & { readonly timeout: number };
  readonly #logger: Logger;
  #connection: Promise<Connection> | undefined;
  #made: Connection | undefined;
  #publisher: Promise<Channel> | undefined;
  /** What {@link AmqpLink.publish} last used. */
  #current: Channel | undefined;
  #lastError: Error | undefined;
  readonly #waiting = new Set<(error: Error) => void>();
  /** Names of messages that no queue took. */
  readonly #returned = new Set<string>();
  #sent = 0;
  #closed = false;

  constructor(
    target: AmqpTarget,
    clock: Clock,
    options: ConnectionOptions & { readonly timeout: number; readonly logger: Logger },
  ) {
    this.target = target;
    this.clock = clock;
    this.#options = options;
    this.#logger = options.logger;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Runs `work` on a channel of its own, which is closed afterwards: a refused declaration closes its channel. */
  async once<T>(work: (channel: Channel) => Promise<T>, timeout: number = this.#options.timeout): Promise<T> {
    const channel = await this.channel(timeout);
    try {
      return await this.#within(timeout, work(channel));
    } finally {
      void channel.close().catch(() => {}); // it may be closed already
    }
  }

  /** A channel of its own. Rejects with an error of the catalogue. */
  async channel(timeout: number = this.#options.timeout): Promise<Channel> {
    return this.#within(
      timeout,
      this.#connect().then((connection) => connection.acquire()),
    );
  }

  /** Resolves when RabbitMQ has the message. */
  async publish(envelope: Envelope, body: Buffer): Promise<void> {
    await this.answered(this.#confirming().then((channel) => channel.basicPublish(envelope, body)));
  }

  /** As {@link AmqpLink.publish}; resolves with false when the queue is not there: RabbitMQ confirms what it drops. */
  async publishToQueue(envelope: Envelope, body: Buffer): Promise<boolean> {
    const messageId = String(++this.#sent);
    await this.publish({ ...envelope, messageId, mandatory: true }, body);
    // what comes back does so before its confirmation; the client tells of it a turn later
    await new Promise<void>((resolve) => setImmediate(resolve));
    return !this.#returned.delete(messageId);
  }

  /** What RabbitMQ is to answer: an error of the catalogue when it does not in time. */
  answered<T>(work: Promise<T>): Promise<T> {
    return this.#within(this.#options.timeout, work);
  }

  async close(deadline: number): Promise<void> {
    this.#closed = true;
    const connection = this.#made;
    if (connection === undefined) return;
    const late = new Promise<void>((resolve) => void this.clock.after(deadline, resolve, { background: true }));
    await Promise.race([connection.close().catch(() => {}), late]);
    connection.unsafeDestroy();
  }

  #confirming(): Promise<Channel> {
    if (this.#publisher) return this.#publisher.then((channel) => (channel.active ? channel : this.#reopened(channel)));
    const made = this.#connect()
      .then((connection) => connection.acquire())
      .then(async (channel) => {
        this.#current = channel;
        channel.on('close', () => {
          if (this.#publisher === made) this.#publisher = undefined;
        });
        channel.on('basic.return', ({ messageId }) => {
          if (messageId !== undefined) this.#returned.add(messageId);
        });
        await channel.confirmSelect();
        return channel;
      });
    made.catch(() => {
      if (this.#publisher === made) this.#publisher = undefined;
    });
    this.#publisher = made;
    return made;
  }

  /** A channel that is closed, and has not said so yet. */
  #reopened(closed: Channel): Promise<Channel> {
    if (this.#current === closed) this.#publisher = undefined;
    this.#current = undefined;
    return this.#confirming();
  }

  #connect(): Promise<Connection> {
    if (this.#closed) return Promise.reject(new ClosedError('the RabbitMQ connection'));
    this.#connection ??= this.#create();
    return this.#connection;
  }

  async #create(): Promise<Connection> {
    const { Connection } = await import('rabbitmq-client');
    const { hostname, port, vhost, username, password, tls } = this.target;
    const connection = new Connection({
      hostname,
      port,
      vhost,
      username,
      password,
      tls: tls ? tlsOptions(this.#options.tls) : false,
      acquireTimeout: this.#options.timeout,
      connectionTimeout: this.#options.connectTimeout,
      connectionName: 'lovage',
      retryLow: 200,
      retryHigh: 5_000,
    });
    this.#made = connection;
    connection.on('error', (error: Error) => {
      this.#lastError = error;
      const explained = this.explain(error);
      if (!(explained instanceof BrokerAuthenticationError || explained instanceof BrokerTlsError)) return;
      for (const reject of this.#waiting) reject(error);
    });
    connection.on('connection', () => {
      this.#lastError = undefined;
    });
    connection.on('connection.blocked', (reason) =>
      this.#logger.warn('RabbitMQ takes no messages for the moment: it is short of memory or disk', { reason }),
    );
    connection.on('connection.unblocked', () => this.#logger.info('RabbitMQ takes messages again'));
    return connection;
  }

  async #within<T>(timeout: number, work: Promise<T>): Promise<T> {
    try {
      return await withDeadline(this.clock, timeout, this.#unlessRefused(work), () => this.#late(timeout));
    } catch (error) {
      throw this.explain(error);
    }
  }

  /** Trying again helps nobody whose credentials are refused: they are told at once. */
  #unlessRefused<T>(work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.add(reject);
      work.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }

  /** Any error of the client as one of the catalogue. */
  explain(error: unknown): Error {
    if (error instanceof LovageError) return error;
    const { display, vhost } = this.target;
    const heard = this.#lastError;
    const detail = error instanceof Error ? error.message : String(error);
    const all = `${(error as { code?: string }).code ?? ''} ${detail} ${heard?.message ?? ''} ${(heard as { code?: string } | undefined)?.code ?? ''}`;
    const tls = tlsProblem(heard) ?? tlsProblem(error);
    if (tls !== undefined)
      return new BrokerTlsError(`RabbitMQ at ${display}: ${tls} (${heard?.message ?? detail})`, { cause: error });
    if (/ACCESS_REFUSED|PLAIN login refused/i.test(all))
      return new BrokerAuthenticationError(
        `RabbitMQ at ${display} refused the credentials: ${heard?.message ?? detail}`,
        { cause: error },
      );
    if (/vhost.*not found|NOT_ALLOWED/i.test(all))
      return new BrokerAuthenticationError(
        `RabbitMQ at ${display} has no virtual host "${vhost}", or the user may not use it: rabbitmqctl add_vhost`,
        { cause: error },
      );
    if (/CONN|CH_CLOSE|CLOSE|timeout|timed out|ECONN|EPIPE|ENOTFOUND|EAI_AGAIN/i.test(all))
      return new BrokerUnavailableError(`RabbitMQ at ${display} cannot be reached: ${heard?.message || detail}`, {
        cause: error,
      });
    return error instanceof Error ? error : new Error(detail);
  }

  #late(timeout: number): Error {
    const cause = this.#lastError;
    if (cause) return this.explain(cause);
    return new BrokerUnavailableError(
      `RabbitMQ at ${this.target.display} did not answer within ${Math.round(timeout)} ms`,
    );
  }
}
