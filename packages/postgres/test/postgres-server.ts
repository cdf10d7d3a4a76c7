import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync } from 'node:fs';
import { appendFile, chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { findPostgres } from '../../../scripts/ensure-postgres.mjs';
import { freePort } from '../../redis/test/redis-server.ts';

const programs = findPostgres();

/** Why tests that need PostgreSQL cannot run; undefined when they can. With LOVAGE_REQUIRE_PARTS they must. */
export const missingPostgres: string | undefined =
  programs === undefined && process.env['LOVAGE_REQUIRE_PARTS'] !== '1'
    ? 'PostgreSQL is missing: node scripts/ensure-postgres.mjs'
    : undefined;

/** Settings as in postgresql.conf. */
export type PostgresSettings = Readonly<Record<string, string>>;

/** `initdb` and `postgres` refuse to run as root: then they run as `postgres`, or as nobody. */
function unprivileged(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    try {
      const ids = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' })));
      return { uid: ids[0] as number, gid: ids[1] as number };
    } catch {
      // no such user: the next one
    }
  }
  return {};
}

/** A real PostgreSQL of a test file: own port, own data directory. */
export class PostgresServer {
  readonly port: number;
  readonly #folder: string;
  readonly #settings: PostgresSettings;
  readonly #user: { readonly uid?: number; readonly gid?: number };
  #process: ChildProcess | undefined;
  #pool: pg.Pool | undefined;

  private constructor(port: number, folder: string, settings: PostgresSettings) {
    [this.port, this.#folder, this.#settings] = [port, folder, settings];
    this.#user = unprivileged();
  }

  static async start(settings: PostgresSettings = {}): Promise<PostgresServer> {
    const folder = await mkdtemp(join(tmpdir(), 'lovage-postgres-'));
    const server = new PostgresServer(await freePort(), folder, settings);
    await server.#create();
    await server.launch();
    return server;
  }

  get url(): string {
    return `postgres://lovage@127.0.0.1:${this.port}/postgres`;
  }

  /** A plain pool, to look and to do harm with. */
  get pool(): pg.Pool {
    if (!this.#pool) {
      this.#pool = new pg.Pool({ connectionString: this.url, max: 5 });
      this.#pool.on('error', () => {}); // servers of tests go away
      this.#pool.on('connect', (client) => client.on('error', () => {}));
    }
    return this.#pool;
  }

  get #data(): string {
    return join(this.#folder, 'data');
  }

  async #create(): Promise<void> {
    const { uid, gid } = this.#user;
    if (uid !== undefined) chownSync(this.#folder, uid, gid as number);
    await chmod(this.#folder, 0o700);
    const args = ['-D', this.#data, '-U', 'lovage', '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C'];
    const child = spawn(join(programs as string, 'initdb'), args, { ...this.#user, cwd: this.#folder, stdio: 'pipe' });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += bytes));
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`initdb ended with ${code}: ${output}`);
    const settings = {
      fsync: 'off', // a process that is killed loses nothing by it, only a machine does
      shared_buffers: '32MB',
      max_connections: '100',
      ...this.#settings,
      listen_addresses: "'127.0.0.1'",
      unix_socket_directories: "''",
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
    await appendFile(join(this.#data, 'postgresql.conf'), `${lines.join('\n')}\n`);
  }

  /** Starts it, also again after {@link kill}. Resolves when it serves. */
  async launch(): Promise<void> {
    const child = spawn(join(programs as string, 'postgres'), ['-D', this.#data, '-p', String(this.port)], {
      ...this.#user,
      cwd: this.#folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process = child;
    let output = '';
    child.stderr.on('data', (bytes) => {
      output = `${output}${bytes}`.slice(-4_000);
    });
    for (;;) {
      if (child.exitCode !== null) throw new Error(`postgres ended with ${child.exitCode}: ${output}`);
      const client = new pg.Client({ connectionString: this.url });
      client.on('error', () => {});
      try {
        await client.connect();
        await client.query('SELECT 1');
        return;
      } catch {
        await delay(20);
      } finally {
        await client.end().catch(() => {});
      }
    }
  }

  /** Ends it at once, without a checkpoint: SIGQUIT to the postmaster takes all its backends along, as a crash would. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGQUIT');
    await gone;
  }

  async stop(): Promise<void> {
    await this.#pool?.end();
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
