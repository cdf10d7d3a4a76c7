import { execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus, homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const folder = fileURLToPath(new URL('../../celery', import.meta.url));
/** The one that the tests have, else Debian's. */
const own = join(homedir(), '.cache', 'lovage', 'celery-5.6.3', 'bin', 'python');
const python = existsSync(own) ? own : '/usr/bin/python3';

/** Tasks a second that a Celery program sends with `delay`, one after another as it can. */
export async function celerySend(url: string, count: number): Promise<number> {
  const env = { ...process.env, BENCH_REDIS_URL: url, PYTHONDONTWRITEBYTECODE: '1' };
  const { stdout } = await promisify(execFile)(python, ['bench_tasks.py', 'send', String(count)], { cwd: folder, env });
  return count / (JSON.parse(stdout) as { seconds: number }).seconds;
}

/** Starts a prefork worker with so many processes; the function returned ends it. */
export function startCeleryWorker(url: string, concurrency: number): () => void {
  const env = { ...process.env, BENCH_REDIS_URL: url, PYTHONDONTWRITEBYTECODE: '1' };
  const quiet = ['--without-gossip', '--without-mingle', '--without-heartbeat', '--loglevel', 'ERROR'];
  const args = ['-m', 'celery', '-A', 'bench_tasks', 'worker', '--concurrency', String(concurrency), ...quiet];
  const worker = spawn(python, args, { cwd: folder, env, stdio: 'ignore', detached: true });
  const stop = (): void => {
    if (worker.pid !== undefined && worker.exitCode === null) process.kill(-worker.pid, 'SIGKILL');
    process.off('exit', stop);
  };
  process.once('exit', stop);
  return stop;
}

/** Celery's version, or undefined where it is not installed. */
export function celeryVersion(): string | undefined {
  const asked = spawnSync(python, ['-c', 'import celery, redis; print(celery.__version__)'], { encoding: 'utf8' });
  return asked.status === 0 ? asked.stdout.trim() : undefined;
}

/** Tasks a second of Celery's whole trip: a producer and a prefork worker with a process per core, Redis broker and backend. */
export async function celeryTrip(url: string, count: number): Promise<number> {
  const env = { ...process.env, BENCH_REDIS_URL: url, PYTHONDONTWRITEBYTECODE: '1' };
  const quiet = ['--without-gossip', '--without-mingle', '--without-heartbeat', '--loglevel', 'ERROR'];
  const args = ['-m', 'celery', '-A', 'bench_tasks', 'worker', '--concurrency', String(cpus().length), ...quiet];
  // A group of its own, so that its pool ends with it.
  const worker = spawn(python, args, { cwd: folder, env, stdio: 'ignore', detached: true });
  const stop = (): void => {
    if (worker.pid !== undefined && worker.exitCode === null) process.kill(-worker.pid, 'SIGKILL');
  };
  process.once('exit', stop);
  try {
    const { stdout } = await promisify(execFile)(python, ['bench_tasks.py', String(count)], { cwd: folder, env });
    return count / (JSON.parse(stdout) as { seconds: number }).seconds;
  } finally {
    process.off('exit', stop);
    stop();
  }
}
