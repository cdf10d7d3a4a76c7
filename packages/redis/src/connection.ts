import { ClosedError, type ConnectionOptions, pauseAfter, tlsOptions } from '@lovage/core/driver';
import type { ClusterOptions, Redis, RedisOptions } from 'ioredis';
import { mayHideTls, probeTls } from './access/tls-probe.ts';
import { IdleExit } from './idle-exit.ts';
import type { RedisTarget } from './redis-url.ts';
import { isDemoted, isForbidden, isSelectError, wasNotCarriedOut } from './store-errors.ts';

/**
 * A client of a single server, of a sentinel's master, or of a cluster. ioredis gives `Cluster` the same commands, so
 * one name serves for all; `status` tells the little that differs.
 */
export type RedisClient = Redis;

/** What a connection is for; each has its own way to behave when Redis is away. */
export type Role =
  /** Publishing, results, leases and looks: fails at once, its user decides whether to repeat. */
  | 'commands'
  /** Takes and settles jobs: waits for Redis to come back. One for all queues. */
  | 'worker'
  /** Waits for one queue's next job. */
  | 'blocking'
  /** Waits for messages: a read that was cut off is rejected and not sent again, since it may have been given some. */
  | 'reader'
  /** Listens to channels: waits for Redis, then subscribes again. */
  | 'subscriber';

/** What a blocking read gets to answer once it is over, in milliseconds; BullMQ cuts one that is overdue by as much. */
const readMargin = 1_000;
const shortestRead = 1_000;
const keepAlive = 10_000;
const disconnectTimeout = 50;
/** How long a server may take to show how it speaks, in milliseconds. */
const probeTimeout = 2_000;

/** Makes every Redis connection of one `Connection`, lazily, and ends them all. */
export class RedisClients {
  readonly target: RedisTarget;
  readonly #options: ConnectionOptions;
  readonly #shared = new Map<Role, Promise<RedisClient>>();
  readonly #open = new Set<RedisClient>();
  readonly #lastErrors = new WeakMap<RedisClient, Error>();
  /** By the monotonic clock. */
  readonly #readySince = new WeakMap<RedisClient, number>();
  readonly #closing = new AbortController();
  /** What lets a process end beside the idle connections of a producer. */
  readonly idleExit: IdleExit = new IdleExit();
  #probing: Promise<Error | undefined> | undefined;
  /** Told of the client that takes and settles jobs, before it connects. */
  onWorkerClient: (client: RedisClient) => void = () => {};

  constructor(target: RedisTarget, options: ConnectionOptions) {
    this.target = target;
    this.#options = options;
  }

  /** Aborts when they are closed. A client that waits for its next try to connect says nothing of its end then. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /** How long a blocking read may last, in milliseconds: it has to answer before its socket is taken for dead. */
  get longestRead(): number {
    return longestReadOf(this.#options);
  }

  /** The one client of this role. It connects at its first command. */
  shared(role: Exclude<Role, 'blocking' | 'reader'>): Promise<RedisClient> {
    const known = this.#shared.get(role);
    if (known) return known;
    const made = this.#create(role);
    this.#shared.set(role, made);
    return made;
  }

  /** A client of its own for one queue's blocking reads, named so that BullMQ's tools list it as a worker. */
  blocking(connectionName: string): Promise<RedisClient> {
    return this.#create('blocking', connectionName);
  }

  /** A client of its own for one consumer's blocking reads. */
  reader(connectionName: string): Promise<RedisClient> {
    return this.#create('reader', connectionName);
  }

  /** The last trouble on this client's connection since it was last ready. */
  lastError(client: RedisClient): Error | undefined {
    return this.#lastErrors.get(client);
  }

  /** Ends one client hard. */
  end(client: RedisClient): void {
    this.#open.delete(client);
    disconnectHard(client);
  }

  /** Cuts every connection that is there: its client makes another, and sends again what may be sent again. */
  reconnect(): void {
    for (const client of this.#open) destroySockets(client);
  }

  /** Ends every client hard: pending commands are rejected, no socket or timer stays. */
  close(): void {
    this.#closing.abort();
    this.idleExit.close();
    for (const client of this.#open) disconnectHard(client);
    this.#open.clear();
  }

  /**
   * A connection was silent while a reply was due. What swallowed it has most likely swallowed the others: an idle one does
   * not know it yet, and whoever used it next would wait for its timeout too, one after the other. So those that were there
   * already are made anew. (A cluster's nodes have fates of their own, and its client tells of none.)
   */
  #dropDeadConnection(dead: RedisClient, silentFor: number): void {
    const since = performance.now() - silentFor;
    for (const client of this.#open) {
      if (client !== dead && (this.#readySince.get(client) ?? Number.POSITIVE_INFINITY) < since) destroySockets(client);
    }
  }

  /** What follows from a trouble, such as a command that finds the connection cut, does not hide it. */
  #note(client: RedisClient, error: Error): void {
    if (!this.#lastErrors.has(client) || !wasNotCarriedOut(error)) this.#lastErrors.set(client, error);
  }

  /** Tells the listeners of a client that does not connect what is wrong with TLS. One probe at a time, for all clients. */
  async lookAtTls(client: RedisClient): Promise<void> {
    if (!this.target.tls || this.closed.aborted) return;
    this.#probing ??= probeTls(this.target, tlsOptions(this.#options.tls), probeTimeout).finally(() => {
      this.#probing = undefined;
    });
    const error = await this.#probing;
    if (error && client.status !== 'ready' && client.status !== 'end') client.emit('error', error);
  }

  async #create(role: Role, connectionName?: string): Promise<RedisClient> {
    if (this.closed.aborted) throw new ClosedError('the Redis connection');
    const { Redis, Cluster } = await import('ioredis'); // 70 ms, paid at the first use
    if (this.closed.aborted) throw new ClosedError('the Redis connection');
    const options = redisOptions(this.target, this.#options, role, connectionName);
    const client =
      this.target.kind === 'cluster'
        ? // Cluster has Redis's commands but not its class: see RedisClient.
          (new Cluster([...this.target.hosts], clusterOptions(options)) as unknown as RedisClient)
        : new Redis(options);
    client.setMaxListeners(100_000); // a worker of a thousand queues has some for each; BullMQ adds to this number, so 0 (no limit) would become its 3
    tolerateInfo(client);
    client.on('error', (error: Error) => {
      this.#note(client, error);
      if (isSelectError(error)) client.disconnect(true); // ioredis would go on in database 0: tries again, with the usual pauses
      if (mayHideTls(error)) void this.lookAtTls(client);
      if (error.message.startsWith('Socket timeout')) this.#dropDeadConnection(client, options.socketTimeout as number);
    });
    client.on('ready', () => {
      this.#lastErrors.delete(client);
      this.#readySince.set(client, performance.now());
    });
    this.#open.add(client);
    if (role === 'commands' || role === 'subscriber') this.idleExit.add(client, role);
    if (role === 'worker') this.onWorkerClient(client);
    return client;
  }
}

function longestReadOf({ socketTimeout }: ConnectionOptions): number {
  return Math.max(shortestRead, socketTimeout - readMargin);
}

/** What a cluster's client has besides. */
interface ClusterClient {
  nodes(role?: 'master'): RedisClient[];
}

/** Whether this is a client of a cluster; see {@link RedisClient}. */
export function isCluster(client: RedisClient): client is RedisClient & ClusterClient {
  return 'nodes' in client;
}

/**
 * Connects a cluster's client to each master, so that what is sent in one turn keeps its order: while a connection is being
 * made, a client that fails fast refuses a second command on it and then tries it elsewhere. Never rejects.
 */
export async function connectMasters(client: RedisClient): Promise<void> {
  if (!isCluster(client)) return;
  await Promise.all(client.nodes('master').map(connected));
}

/** Resolves when this node is connected, or cannot be: a dead one is found out in use. */
function connected(node: RedisClient): Promise<void> {
  if (isReady(node)) return Promise.resolve();
  return new Promise((resolve) => {
    for (const event of ['ready', 'close', 'end']) node.once(event, () => resolve());
    wake(node);
  });
}

/** Whether commands can be written now. ioredis's cluster says `ready` like a single client. */
export function isReady(client: RedisClient): boolean {
  return client.status === 'ready';
}

/** Starts connecting, when nobody did. */
export function wake(client: RedisClient): void {
  if (client.status === 'wait') client.connect().catch(() => {}); // its trouble comes as 'error' events
}

type LegacyOptions = RedisOptions & { replyMapping: 'legacy' };
type LegacyNodeOptions = NonNullable<ClusterOptions['redisOptions']> & { replyMapping: 'legacy' };

function redisOptions(
  target: RedisTarget,
  given: ConnectionOptions,
  role: Role,
  connectionName?: string,
): LegacyOptions {
  const [first] = target.hosts;
  const failFast = role === 'commands' || role === 'reader';
  const blocks = role === 'blocking' || role === 'reader';
  const tls = target.tls ? { tls: tlsOptions(given.tls) } : {};
  return {
    ...(target.kind === 'sentinel'
      ? {
          sentinels: [...target.hosts],
          name: target.masterName ?? '',
          ...(target.tls ? { sentinelTLS: tlsOptions(given.tls), enableTLSForSentinelMode: true } : {}),
        }
      : { host: first?.host ?? 'localhost', port: first?.port ?? 6379 }),
    ...tls,
    ...(target.username === undefined ? {} : { username: target.username }),
    ...(target.password === undefined ? {} : { password: target.password }),
    ...(connectionName === undefined ? {} : { connectionName }),
    db: target.db,
    replyMapping: 'legacy',
    lazyConnect: true,
    connectTimeout: given.connectTimeout,
    socketTimeout: blocks ? longestReadOf(given) + readMargin : given.socketTimeout,
    keepAlive,
    disconnectTimeout, // ioredis's own 2 s would hold the process, also for a socket that is closed already
    disableClientInfo: true,
    retryStrategy: reconnectDelay,
    sentinelRetryStrategy: reconnectDelay,
    reconnectOnError: isDemoted, // a demoted master: ask for the new one
    // Fail-fast: a command that was cut off is rejected, never sent again behind its user's back (a lost reply would
    // otherwise run a task twice).
    maxRetriesPerRequest: failFast ? 0 : null,
    enableOfflineQueue: !failFast,
    autoResendUnfulfilledCommands: !failFast,
  };
}

function clusterOptions(options: LegacyOptions): ClusterOptions & { redisOptions: LegacyNodeOptions } {
  const {
    host: _host,
    port: _port,
    db: _db,
    retryStrategy: _retry,
    sentinelRetryStrategy: _sentinel,
    ...redis
  } = options;
  return {
    lazyConnect: true,
    enableOfflineQueue: options.enableOfflineQueue ?? true,
    clusterRetryStrategy: reconnectDelay,
    // By default ioredis connects to a node's address in the place of its name, which its certificate has.
    ...(options.tls ? { dnsLookup: (name, found) => found(null, name) } : {}),
    redisOptions: redis,
  };
}

/**
 * ioredis asks INFO before it calls a connection ready: where an ACL or a managed service forbids it, it would never be (or write a
 * warning to the console). A server that loads its data then says so to the commands.
 */
function tolerateInfo(client: RedisClient): void {
  if (isCluster(client)) return;
  const info = client.info.bind(client) as (callback: InfoCallback) => Promise<string>;
  const tolerant = (first?: string | InfoCallback): Promise<string> =>
    typeof first === 'function'
      ? info((error, text) => (isForbidden(error) ? first(null, '') : first(error, text)))
      : (client.call('INFO', ...(first === undefined ? [] : [first])) as Promise<string>);
  client.info = tolerant as RedisClient['info']; // of its overloads ioredis itself calls the first, and we the second
}

type InfoCallback = (error: Error | null | undefined, text?: string) => void;

/** Full jitter between 100 ms and a ceiling that doubles up to 5 s, so that a fleet does not come back in step. */
function reconnectDelay(times: number): number {
  const ceiling = pauseAfter({ first: 400, longest: 5_000 }, times);
  return 100 + Math.random() * (ceiling - 100);
}

function disconnectHard(client: RedisClient): void {
  client.disconnect();
  destroySockets(client);
}

/** disconnect() only sends FIN and keeps the socket up to 2 s; a dead peer never answers it. */
function destroySockets(client: RedisClient): void {
  for (const node of isCluster(client) ? client.nodes() : [client])
    (node as unknown as { stream?: { destroy(): void } }).stream?.destroy();
}
