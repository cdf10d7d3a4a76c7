// What the CLI's tests share: the real bin in a process of its own, projects in folders of their own, a Redis.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const bin = join(root, 'packages/lovage/dist/bin.js');

/** Where the fixtures' apps are. */
export const fixtures: string = fileURLToPath(new URL('./fixtures', import.meta.url));

/** How a command ended. */
export interface Ended {
  /** null after a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command under way. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves once stderr fits; rejects when the command ends without. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  /** The same for stdout. */
  prints(pattern: RegExp): Promise<RegExpExecArray>;
  kill(signal: NodeJS.Signals): void;
}

/** Where and with what a command runs. */
export interface Surroundings {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Its stdin stays open. @default false */
  readonly typed?: boolean;
}

/** Runs `lovage` to its end, which is to come within 20 s. */
export function lovage(args: readonly string[], surroundings: Surroundings = {}): Promise<Ended> {
  return start(args, surroundings).ended;
}

/** Ends with this code and says this on stderr, in one line. */
export async function refuses(args: readonly string[], code: number, message: RegExp, cwd = fixtures): Promise<void> {
  const { code: found, stdout, stderr } = await lovage(args, { cwd });
  expect(stderr).toMatch(message);
  expect({ found, stdout }).toEqual({ found: code, stdout: '' });
  expect(
    stderr
      .trim()
      .split('\n')
      .filter((line) => line.startsWith('error:')),
  ).toHaveLength(1);
}

/** Starts `lovage`; it is killed when the test is over. */
export function start(
  args: readonly string[],
  { cwd = fixtures, env = {}, typed = false }: Surroundings = {},
): Running {
  if (!existsSync(bin)) throw new Error('build first: npx tsc -b packages/cli packages/lovage');
  const child = spawn(process.execPath, [bin, ...args], { cwd, env: { ...cleanEnvironment(), ...env } });
  if (!typed) child.stdin.end();
  const output = { stdout: '', stderr: '' };
  const looks = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      output[name] += chunk;
      for (const look of looks) look();
    });
  }
  const ended = once(child, 'close').then(([code]): Ended => ({ code: code as number | null, ...output }));
  onTestFinished(() => void child.kill('SIGKILL'));
  const shows = (name: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> => {
    const said = new Promise<RegExpExecArray>((resolve) => {
      const look = (): void => {
        const match = pattern.exec(output[name]);
        if (match) resolve(match);
      };
      looks.add(look);
      look();
    });
    const never = ended.then((end) => {
      const match = pattern.exec(end[name]);
      if (match) return match;
      throw new Error(`ended without saying ${pattern} on ${name}: ${end[name]}`);
    });
    return Promise.race([said, never]);
  };
  const says = (pattern: RegExp) => shows('stderr', pattern);
  const prints = (pattern: RegExp) => shows('stdout', pattern);
  return { child, ended, says, prints, kill: (signal) => void child.kill(signal) };
}

/** This machine's environment without what steers Lovage or colours. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(?:LOVAGE_|REDIS_URL$|NO_COLOR$|FORCE_COLOR$|NODE_OPTIONS$|VITEST|NODE_ENV$)/.test(name),
  );
  return Object.fromEntries(kept);
}

/** A project in a folder of its own, where `lovage` is installed. */
export function createProject(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'lovage-cli-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Why tests on a real Redis cannot run here; undefined when they can. On CI they then fail instead of being skipped. */
export const noRedis: string | undefined =
  spawnSync('redis-server', ['--version']).status === 0 || process.env['LOVAGE_REQUIRE_PARTS']
    ? undefined
    : 'redis-server is missing';

/** A Redis of a test file's own. */
export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** Freezes it: sockets stay open, nothing answers. */
  freeze(): void;
  stop(): Promise<void>;
}

/** Starts a redis-server that keeps nothing, on a free port. */
export async function startRedis(...settings: readonly string[]): Promise<RedisServer> {
  const port = await freePort();
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    tmpdir(),
    ...settings,
  ];
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.stdout.on('data', (chunk: Buffer) => {
      if (chunk.includes('Ready to accept connections')) resolve();
    });
  });
  return {
    port,
    url: `redis://127.0.0.1:${port}/0`,
    freeze: () => void child.kill('SIGSTOP'),
    stop: async () => {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
