import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

/** Settings of a test's Redis, as in redis.conf. Without any it keeps nothing on disk. */
export type RedisSettings = Readonly<Record<string, string>>;

/** A real `redis-server` of a test file, on a free port of the loopback, with a directory of its own. */
export class RedisServer {
  readonly port: number;
  readonly #sharedRegistry: string;
  readonly #settings: RedisSettings;
  #process: ChildProcess | undefined;
  #client: Redis | undefined;

  private constructor(port: number, directory: string, settings: RedisSettings) {
    this.port = port;
    this.#sharedRegistry = directory;
    this.#settings = settings;
  }

  static async start(settings: RedisSettings = {}): Promise<RedisServer> {
    const directory = await mkdtemp(join(tmpdir(), 'lovage-redis-'));
    const busOffset = settings['cluster-enabled'] === 'yes' ? 10_000 : 0; // nodes of a cluster also talk on a port so much higher
    const server = new RedisServer(await freePort(65_535 - busOffset), directory, settings);
    await server.launch();
    return server;
  }

  get #tls(): boolean {
    return 'tls-cert-file' in this.#settings;
  }

  get url(): string {
    const password = this.#settings['requirepass'];
    return `redis://${password ? `:${password}@` : ''}127.0.0.1:${this.port}/0`;
  }

  /** A plain client, to look and to do harm with. */
  get client(): Redis {
    if (!this.#client) {
      const tls = this.#tls ? { tls: { rejectUnauthorized: false } } : {};
      this.#client = new Redis(this.url, { maxRetriesPerRequest: null, retryStrategy: () => 50, ...tls });
      this.#client.on('error', () => {}); // servers of tests go away
    }
    return this.#client;
  }

  /** Starts the process, also again after {@link kill}. Resolves when it serves. */
  async launch(): Promise<void> {
    const settings = {
      save: '',
      appendonly: 'no',
      ...this.#settings,
      ...(this.#tls ? { port: '0', 'tls-port': String(this.port) } : { port: String(this.port) }),
      dir: this.#sharedRegistry,
      bind: '127.0.0.1',
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, ...value.split(' ')]);
    const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = child;
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
      child.stdout.on('data', (bytes: Buffer) => {
        if (bytes.includes('Ready to accept connections')) resolve();
      });
    });
  }

  /** Ends the process as a crash would. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Freezes the process: it keeps its sockets and answers nothing. */
  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    this.#client?.disconnect();
    await this.kill();
    await rm(this.#sharedRegistry, { recursive: true, force: true });
  }
}

/** A sentinel that watches one master, called `mymaster`, and fails over after a second. */
export class SentinelServer {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #client: Redis;

  private constructor(port: number, child: ChildProcess, tls: boolean) {
    this.port = port;
    this.#process = child;
    this.#client = new Redis(port, '127.0.0.1', {
      retryStrategy: () => 50,
      ...(tls ? { tls: { rejectUnauthorized: false } } : {}),
    });
    this.#client.on('error', () => {}); // until it listens
  }

  /** `tls`: settings as for a server; then the master speaks TLS too. */
  static async start(masterPort: number, tls?: RedisSettings): Promise<SentinelServer> {
    const directory = await mkdtemp(join(tmpdir(), 'lovage-sentinel-'));
    const port = await freePort();
    const file = join(directory, 'sentinel.conf');
    const lines = [
      ...(tls ? ['port 0', `tls-port ${port}`, 'tls-replication yes'] : [`port ${port}`]),
      ...Object.entries(tls ?? {}).map((setting) => setting.join(' ')),
      `dir ${directory}`,
      `sentinel monitor mymaster 127.0.0.1 ${masterPort} 1`,
      'sentinel down-after-milliseconds mymaster 1000',
      'sentinel failover-timeout mymaster 5000',
    ];
    await writeFile(file, lines.join('\n'));
    const child = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
    return new SentinelServer(port, child, tls !== undefined);
  }

  /** How many `slaves` or `sentinels` it knows. */
  async knows(what: 'slaves' | 'sentinels'): Promise<number> {
    return ((await this.#client.call('SENTINEL', what, 'mymaster')) as unknown[]).length;
  }

  async stop(): Promise<void> {
    this.#client.disconnect();
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
  }
}

/** A port of the loopback that nobody listens on, at most this one. */
export async function freePort(most = 65_535): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port <= most ? port : freePort(most);
}
