import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { keepChild } from './children.ts';
import { freePort } from './port.ts';

/** Settings of a server, as in redis.conf. */
export type RedisSettings = Readonly<Record<string, string>>;

/** Every write is on disk before it is answered. */
export const aofAlways: RedisSettings = { appendonly: 'yes', appendfsync: 'always' };
/** Of every server: on the loopback, and a replica is served at once. */
const base: RedisSettings = { save: '', bind: '127.0.0.1', 'repl-diskless-sync-delay': '0' };
/** Nothing is kept. */
export const volatile: RedisSettings = { appendonly: 'no', save: '' };

/** A real `redis-server` on a free port of the loopback, with a directory of its own. */
export class RedisNode {
  readonly port: number;
  readonly #sharedRegistry: string;
  readonly #settings: RedisSettings;
  readonly #mode: readonly string[];
  #child: ChildProcess | undefined;
  #client: Redis | undefined;

  private constructor(port: number, settings: RedisSettings, mode: readonly string[]) {
    this.port = port;
    this.#sharedRegistry = mkdtempSync(join(tmpdir(), 'lovage-chaos-redis-'));
    this.#settings = settings;
    this.#mode = mode;
  }

  /** Starts one; resolves when it serves. `mode` are further arguments, such as `--sentinel`. */
  static async start(settings: RedisSettings = volatile, mode: readonly string[] = []): Promise<RedisNode> {
    const node = new RedisNode(await freePort(), settings, mode);
    await node.launch();
    return node;
  }

  /** A plain client of any port. */
  static connect(port: number): Redis {
    const client = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null, retryStrategy: () => 50 });
    client.on('error', () => {}); // servers of this suite go away
    return client;
  }

  /** A plain client, to look and to do harm with. */
  get client(): Redis {
    this.#client ??= RedisNode.connect(this.port);
    return this.#client;
  }

  /** Starts the process, also again after {@link kill}. Resolves when it serves. */
  async launch(): Promise<void> {
    const settings = { ...base, ...this.#settings, port: String(this.port), dir: this.#sharedRegistry };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    const child = spawn('redis-server', [...this.#mode, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#child = child;
    keepChild(child);
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
      child.stdout.on('data', (bytes: Buffer) => {
        if (/Ready to accept connections|Sentinel ID is/.test(bytes.toString())) resolve();
      });
    });
  }

  /** Ends the process as a crash would. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Kills and starts again. */
  async crash(): Promise<void> {
    await this.kill();
    await this.launch();
  }

  async stop(): Promise<void> {
    this.#client?.disconnect();
    await this.kill();
    rmSync(this.#sharedRegistry, { recursive: true, force: true });
  }
}
