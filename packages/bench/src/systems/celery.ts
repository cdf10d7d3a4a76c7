import { execFile, spawn, spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const folder = fileURLToPath(new URL('../../celery', import.meta.url));
/** Debian's, where python3-celery puts its package. */
const python = '/usr/bin/python3';

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
