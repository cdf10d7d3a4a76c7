// What the examples' tests share: programs as child processes, and a Redis of one's own.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, onTestFinished, type TestContext } from 'vitest';

/** The repository's root: examples are run from here, as their READMEs say. */
export const root: string = fileURLToPath(new URL('../..', import.meta.url));

/** The lovage command, as built. */
export const lovage: string = join(root, 'packages', 'lovage', 'dist', 'bin.js');

/** How a program ended. */
export interface Ended {
  /** Exit code; null after a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program under way. */
export interface Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves with the match once stdout or stderr fits; rejects when the program ends without. */
  prints(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Starts Node on an example's file (TypeScript through tsx) from the repository's root; it is killed when the test is over. */
export function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
  const child = spawn(process.execPath, ['--import', 'tsx', ...args], {
    cwd: root,
    env: { ...withoutBroker(process.env), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  const waiting = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      output[name] += chunk;
      for (const look of [...waiting]) look();
    });
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...output }));
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const prints = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(output.stdout) ?? pattern.exec(output.stderr);
        if (match === null) return;
        waiting.delete(look);
        resolve(match);
      };
      waiting.add(look);
      look();
      ended.then(
        (end) => reject(new Error(`ended with ${end.code} before it printed ${pattern}:\n${end.stdout}${end.stderr}`)),
        reject,
      );
    });
  return { child, ended, prints };
}

/** Runs a program to its end. */
export function run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended> {
  return start(args, env).ended;
}

/** The examples choose their own broker unless a test gives one. */
function withoutBroker(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = Object.entries(env).filter(([name]) => name !== 'REDIS_URL' && !name.startsWith('LOVAGE_'));
  return { ...Object.fromEntries(own), NO_COLOR: '1' };
}

/** The same cases on memory:// and on a Redis of the test's own; `broker` gives the environment that says so. */
export function onEachBroker(
  cases: (broker: (context: TestContext) => Promise<Readonly<Record<string, string>>>) => void,
): void {
  describe('on memory://', () => cases(async () => ({})));
  describe('on redis://', () => cases(async (context) => ({ LOVAGE_BROKER_URL: await startRedis(context) })));
}

/**
 * Starts a redis-server on a free port and gives its URL; it ends with the test. Where there is none to start, the test is
 * skipped with that reason, or fails when the machine must have every part (`LOVAGE_REQUIRE_PARTS`).
 */
export async function startRedis(context: TestContext): Promise<string> {
  if (spawnSync('redis-server', ['--version']).status !== 0) {
    if (process.env['LOVAGE_REQUIRE_PARTS']) throw new Error('redis-server is missing on this machine');
    context.skip('redis-server is missing on this machine');
  }
  for (let tries = 1; ; tries += 1) {
    const port = await freePort();
    try {
      await startRedisOn(port);
      return `redis://127.0.0.1:${port}/0`;
    } catch (error) {
      if (tries === 5) throw error; // another program took the port in between, five times
    }
  }
}

function startRedisOn(port: number): Promise<void> {
  const server = spawn('redis-server', ['--port', String(port), '--save', '', '--appendonly', 'no']);
  onTestFinished(() => void server.kill('SIGKILL'));
  return new Promise((resolve, reject) => {
    let output = '';
    server.stdout.on('data', (chunk) => {
      output += chunk;
      if (output.includes('Ready to accept connections')) resolve();
    });
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`redis-server ended with ${code}:\n${output}`)));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
