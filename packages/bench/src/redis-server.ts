import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

/** A redis-server of this run's own, without persistence unless it is asked for. */
export interface RedisServer {
  readonly url: string;
  /** As `7.0.15`. */
  readonly version: string;
  /** Asks it; for FLUSHALL, INFO and the like, between measurements. */
  readonly client: Redis;
  stop(): Promise<void>;
}

/** The machine lacks something that a bench needs. */
export class MissingPartError extends Error {
  override name = 'MissingPartError';
}

/** Starts one on a free port of this machine, with these settings beside its own. Throws {@link MissingPartError} where there is no redis-server. */
export async function startRedisServer(settings: readonly string[] = []): Promise<RedisServer> {
  const version = /v=([\d.]+)/.exec(spawnSync('redis-server', ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1];
  if (version === undefined) throw new MissingPartError('redis-server is missing on this machine');
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'lovage-bench-'));
  const stopServer = await startOn(port, folder, settings);
  const client = new Redis({ host: '127.0.0.1', port });
  return {
    url: `redis://127.0.0.1:${port}/0`,
    version,
    client,
    async stop() {
      client.disconnect();
      await stopServer();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function startOn(port: number, folder: string, settings: readonly string[]): Promise<() => Promise<void>> {
  const own = ['--port', String(port), '--dir', folder, '--save', '', '--appendonly', 'no'];
  const server = spawn('redis-server', [...own, ...settings]);
  const kill = (): void => void server.kill('SIGKILL');
  process.once('exit', kill);
  return new Promise((resolve, reject) => {
    let output = '';
    const ended = new Promise<void>((done) => server.once('exit', () => done()));
    server.stdout.on('data', (chunk) => {
      output += chunk;
      if (!output.includes('Ready to accept connections')) return;
      resolve(async () => {
        process.off('exit', kill);
        kill();
        await ended;
      });
    });
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`redis-server ended with ${code}:\n${output}`)));
  });
}

/** A port of this machine that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no free port')),
      );
    });
  });
}
