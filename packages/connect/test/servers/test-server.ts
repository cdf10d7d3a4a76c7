import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A server of a test file: own port, own folder, ended with its children. */
export abstract class TestServer {
  readonly port: number;
  readonly folder: string;
  #process: ChildProcess | undefined;

  protected constructor(port: number, folder: string) {
    this.port = port;
    this.folder = folder;
  }

  protected static folderFor(name: string): Promise<string> {
    return mkdtemp(join(tmpdir(), `lovage-${name}-`));
  }

  /** Starts it, also again after {@link TestServer.kill}, on the data it had. */
  async launch(): Promise<void> {
    const { command, args, options } = await this.prepare();
    const child = spawn(command, args, { stdio: 'ignore', cwd: this.folder, detached: true, ...options });
    this.#process = child;
    const end = Date.now() + 120_000;
    while (!(await this.serves())) {
      if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}: see ${this.folder}`);
      if (Date.now() > end) throw new Error(`${command} did not serve within 120 s: see ${this.folder}`);
      await delay(100);
    }
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    process.kill(-(child.pid as number), 'SIGKILL');
    await gone;
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  protected abstract prepare(): Promise<{
    readonly command: string;
    readonly args: readonly string[];
    readonly options?: SpawnOptions;
  }>;

  /** Whether clients are served; by default, whether the port is open. */
  protected serves(): Promise<boolean> {
    return listens(this.port);
  }
}

export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const done = (open: boolean): void => {
      socket.destroy();
      resolve(open);
    };
    socket.on('connect', () => done(true));
    socket.on('error', () => done(false));
  });
}

/** Why tests that need a part cannot run; undefined when they can. With LOVAGE_REQUIRE_PARTS they must. */
export function missingPart(found: unknown, script: string): string | undefined {
  if (found !== undefined || process.env['LOVAGE_REQUIRE_PARTS'] === '1') return undefined;
  return `a part is missing: node scripts/${script}`;
}
