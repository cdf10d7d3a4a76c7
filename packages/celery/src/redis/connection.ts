import {
  BrokerAuthenticationError,
  BrokerCommandError,
  BrokerMemoryError,
  BrokerTlsError,
  BrokerUnavailableError,
  type Clock,
  ClosedError,
  type ConnectionOptions,
  LovageError,
  pauseAfter,
  sleep,
  tlsOptions,
  tlsProblem,
  withDeadline,
} from '@lovage/core/driver';
import type { Redis, RedisOptions } from 'ioredis';
import type { RedisTarget } from './redis-url.ts';

export type RedisClient = Redis;

/** What a client is for: `commands` fail at once when Redis is away; the others wait for it to come back. */
type Role = 'commands' | 'blocking' | 'subscriber';

const connectionError =
  /connection is closed|stream isn't writeable|max retries per request|ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|socket timeout|socket closed|aborted due to connection close|sentinels are unreachable|^LOADING|^READONLY|^MASTERDOWN/i;
const authenticationError = /WRONGPASS|NOAUTH|NOPERM|invalid password|invalid username-password|client sent AUTH/i;
const retryPause = 50;

/** Makes the Redis clients of one connection, each at its first use, and ends them all. */
export class RedisLink {
  readonly target: RedisTarget;
  readonly clock: Clock;
  readonly #options: ConnectionOptions;
  readonly #timeout: number;
  readonly #open = new Set<RedisClient>();
  #commands: Promise<RedisClient> | undefined;
  #lastError: Error | undefined;
  #closed = false;

  constructor(target: RedisTarget, clock: Clock, options: ConnectionOptions & { readonly timeout: number }) {
    this.target = target;
    this.clock = clock;
    this.#options = options;
    this.#timeout = options.timeout;
  }

  /**
   * Runs `work` on the one client for commands, again after a lost connection, until it succeeds or the timeout passes: for work
   * that may be repeated. Rejects with an error of the catalogue.
   */
  async run<T>(work: (client: RedisClient) => Promise<T>, timeout: number = this.#timeout): Promise<T> {
    const end = this.clock.monotonic() + timeout;
    for (;;) {
      try {
        return await this.runOnce(work, Math.max(1, end - this.clock.monotonic()));
      } catch (error) {
        if (this.#closed || !(error instanceof BrokerUnavailableError) || this.clock.monotonic() + retryPause >= end)
          throw error;
      }
      await sleep(this.clock, retryPause);
    }
  }

  /** As {@link RedisLink.run}, for work that must not be repeated. */
  async runOnce<T>(work: (client: RedisClient) => Promise<T>, timeout: number = this.#timeout): Promise<T> {
    try {
      const client = await withDeadline(this.clock, timeout, this.#ready(), () => this.#late(timeout));
      return await withDeadline(this.clock, timeout, work(client), () => this.#late(timeout));
    } catch (error) {
      throw this.explain(error);
    }
  }

  /** The client for commands where it is connected now. */
  #ready(): Promise<RedisClient> {
    if (this.#closed) return Promise.reject(new ClosedError('the Redis connection'));
    this.#commands ??= this.create('commands');
    return this.#commands.then((client) => (client.status === 'ready' ? client : this.#connected(client)));
  }

  async #connected(client: RedisClient): Promise<RedisClient> {
    if (client.status === 'wait') client.connect().catch(() => {}); // its trouble comes as 'error' events
    await new Promise<void>((resolve, reject) => {
      const done = (error?: Error): void => {
        client.off('ready', onReady).off('error', onError).off('end', onEnd);
        error ? reject(error) : resolve();
      };
      const onReady = (): void => done();
      const onError = (error: Error): void => {
        if (authenticationError.test(error.message) || tlsProblem(error)) done(error);
      };
      const onEnd = (): void => done(new ClosedError('the Redis connection'));
      client.on('ready', onReady).on('error', onError).on('end', onEnd);
      if (client.status === 'ready') onReady();
      else if (client.status === 'end') onEnd();
    });
    return client;
  }

  /** A client of its own. */
  async create(role: Role): Promise<RedisClient> {
    if (this.#closed) throw new ClosedError('the Redis connection');
    const { Redis } = await import('ioredis'); // 70 ms, paid at the first use
    if (this.#closed) throw new ClosedError('the Redis connection');
    const client = new Redis(optionsOf(this.target, this.#options, role));
    client.setMaxListeners(0);
    client.on('error', (error: Error) => {
      this.#lastError = error;
    });
    client.on('ready', () => {
      this.#lastError = undefined;
    });
    this.#open.add(client);
    return client;
  }

  /** Ends one client hard. */
  end(client: RedisClient): void {
    this.#open.delete(client);
    disconnect(client);
  }

  /** Cuts every connection: each client makes another. */
  reconnect(): void {
    for (const client of this.#open) destroySocket(client);
  }

  /** Ends every client hard. */
  close(): void {
    this.#closed = true;
    for (const client of this.#open) disconnect(client);
    this.#open.clear();
  }

  /** Any error of a client as one of the catalogue. */
  explain(error: unknown): Error {
    if (error instanceof LovageError) return error;
    const { display } = this.target;
    const detail = error instanceof Error ? error.message : String(error);
    if (detail.includes('OOM command not allowed'))
      return new BrokerMemoryError(`Redis at ${display} is full (maxmemory reached), nothing was accepted`, {
        cause: error,
      });
    const tls = tlsProblem(error);
    if (tls !== undefined) return new BrokerTlsError(`Redis at ${display}: ${tls} (${detail})`, { cause: error });
    if (authenticationError.test(detail))
      return new BrokerAuthenticationError(`Redis at ${display} refused the credentials: ${detail}`, { cause: error });
    if (connectionError.test(`${detail} ${(error as { code?: string }).code ?? ''}`))
      return new BrokerUnavailableError(`Redis at ${display} cannot be reached: ${detail}`, { cause: error });
    if (error instanceof Error && error.name === 'ReplyError') {
      const { name = 'a command', args = [] } =
        (error as { command?: { name?: string; args?: unknown[] } }).command ?? {};
      const key =
        args.length === 0 || name.startsWith('eval') ? '' : ` ${JSON.stringify(String(args[0]).slice(0, 200))}`;
      return new BrokerCommandError(`Redis at ${display} refused ${name}${key}: ${detail}`, { cause: error });
    }
    return error instanceof Error ? error : new Error(detail);
  }

  #late(timeout: number): BrokerUnavailableError {
    const cause = this.#lastError;
    return new BrokerUnavailableError(
      `Redis at ${this.target.display} did not answer within ${Math.round(timeout)} ms${cause ? `: ${cause.message || cause.name}` : ''}`,
      cause ? { cause } : {},
    );
  }
}

function disconnect(client: RedisClient): void {
  client.disconnect();
  destroySocket(client);
}

/** disconnect() only sends FIN and keeps the socket up to 2 s; a dead peer never answers it. */
function destroySocket(client: RedisClient): void {
  (client as unknown as { stream?: { destroy(): void } }).stream?.destroy();
}

function optionsOf(
  target: RedisTarget,
  given: ConnectionOptions,
  role: Role,
): RedisOptions & { replyMapping: 'legacy' } {
  const [first] = target.hosts;
  const failFast = role === 'commands';
  return {
    ...(target.masterName === undefined
      ? { host: first?.host ?? 'localhost', port: first?.port ?? 6379 }
      : {
          sentinels: [...target.hosts],
          name: target.masterName,
          ...(target.tls ? { sentinelTLS: tlsOptions(given.tls), enableTLSForSentinelMode: true } : {}),
        }),
    ...(target.tls ? { tls: tlsOptions(given.tls) } : {}),
    ...(target.username === undefined ? {} : { username: target.username }),
    ...(target.password === undefined ? {} : { password: target.password }),
    db: target.db,
    replyMapping: 'legacy',
    lazyConnect: true,
    connectTimeout: given.connectTimeout,
    ...(role === 'subscriber' ? {} : { socketTimeout: given.socketTimeout }),
    keepAlive: 10_000,
    disconnectTimeout: 50,
    disableClientInfo: true,
    retryStrategy: reconnectDelay,
    sentinelRetryStrategy: reconnectDelay,
    reconnectOnError: (error) => error.message.startsWith('READONLY'), // a demoted master: ask for the new one
    maxRetriesPerRequest: failFast ? 0 : null,
    enableOfflineQueue: !failFast,
    autoResendUnfulfilledCommands: role === 'subscriber',
  };
}

/** Full jitter up to a ceiling that doubles to 5 s, so that a fleet does not come back in step. */
function reconnectDelay(times: number): number {
  const ceiling = pauseAfter({ first: 400, longest: 5_000 }, times);
  return 100 + Math.random() * (ceiling - 100);
}
