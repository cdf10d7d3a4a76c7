import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { findCelery, usualCelery } from '../../../scripts/ensure-celery.mjs';

const folder = fileURLToPath(new URL('python', import.meta.url));
const version = process.env['LOVAGE_CELERY_VERSION'] ?? usualCelery;
const found = findCelery(version);

/** Why tests that need Python's Celery cannot run; undefined when they can. With LOVAGE_REQUIRE_PARTS they must. */
export const missingCelery: string | undefined =
  found === undefined && process.env['LOVAGE_REQUIRE_PARTS'] !== '1'
    ? `Celery ${version} is missing: node scripts/ensure-celery.mjs ${version}`
    : undefined;

/** The Python that has it. */
export const pythonWithCelery: string = found ?? 'python3';

/** Variables of the Python side: the broker, the result backend, and the like. */
export type PythonSettings = Readonly<Record<string, string>>;

/** A worker of Python's, started for a test. */
export interface PythonWorker {
  readonly pid: number;
  /** What it has written. */
  log(): string;
  /** Resolves when it has written this. */
  wrote(text: string): Promise<void>;
  /** Ends it as a crash would, with its children. */
  kill(): Promise<void>;
  /** Warm shutdown. */
  stop(): Promise<void>;
}

/**
 * Starts `celery worker` and resolves when it is ready. Its queue is named: without -Q it consumes, once its connection was lost, every
 * queue that one of its tasks sent to, and drops what it does not know.
 */
export async function startPythonWorker(settings: PythonSettings, args: readonly string[] = []): Promise<PythonWorker> {
  const quiet = ['-l', 'info', '--without-gossip', '--without-mingle'];
  const all = ['-m', 'celery', '-A', 'proj', 'worker', '-Q', settings['QUEUE'] ?? 'celery', ...quiet, ...args];
  const child = spawn(pythonWithCelery, all, {
    cwd: folder,
    env: { ...process.env, ...settings, PYTHONDONTWRITEBYTECODE: '1' },
    detached: true,
  });
  let log = '';
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes: Buffer) => {
      log += bytes.toString();
      for (const listener of listeners) listener();
    });
  const wrote = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        if (log.includes(text)) done();
      };
      const done = (error?: Error): void => {
        listeners.delete(check);
        child.off('exit', onExit);
        error ? reject(error) : resolve();
      };
      const onExit = (): void => done(new Error(`the Python worker ended before it wrote "${text}":\n${log}`));
      listeners.add(check);
      child.on('exit', onExit);
      check();
    });
  await wrote(' ready.');
  return {
    pid: child.pid as number,
    log: () => log,
    wrote,
    kill: () => end(child, 'SIGKILL'),
    stop: () => end(child, 'SIGTERM'),
  };
}

async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  process.kill(signal === 'SIGKILL' ? -(child.pid as number) : (child.pid as number), signal);
  await gone;
}

/** What Python raised. */
export class PythonError extends Error {
  override readonly name = 'PythonError';
  readonly type: string;
  readonly module: string;

  constructor({ error, type, module }: { error: string; type: string; module: string }) {
    super(error);
    this.type = type;
    this.module = module;
  }
}

/** A Python that answers expressions within the project's module, one after another: starting one costs a second. */
export class PythonShell {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(settings: PythonSettings) {
    const env = { ...process.env, ...settings, PYTHONDONTWRITEBYTECODE: '1' };
    this.#child = spawn(pythonWithCelery, ['proj.py'], { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  }

  /** The value of an expression, as JSON; throws {@link PythonError} for what it raised. */
  ask(expression: string): Promise<unknown> {
    const answer = this.#last.then(async () => {
      this.#child.stdin?.write(`${expression.replaceAll('\n', ' ')}\n`);
      const { value, done } = await this.#answers.next();
      if (done) throw new Error(`Python ended before it answered ${expression}`);
      const { ok, ...raised } = JSON.parse(value.replaceAll(/\bNaN\b/g, 'null')) as {
        ok?: unknown;
        error: string;
        type: string;
        module: string;
      };
      if ('error' in raised) throw new PythonError(raised);
      return ok;
    });
    this.#last = answer.catch(() => {});
    return answer;
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}
