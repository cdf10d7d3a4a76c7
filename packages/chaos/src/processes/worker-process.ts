import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { monotonic } from '../ledger/ledger.ts';
import { appFile, bin, runnerFile } from '../paths.ts';
import { within } from '../until.ts';
import { keepChild } from './children.ts';

/** How a worker is started. */
export interface WorkerStart {
  readonly name: string;
  readonly url: string;
  readonly ledgers: string;
  readonly slots: number;
  /** The built file of its app. @default the suite's */
  readonly app?: string;
  /** Beyond the fast profile: flags of `lovage worker`. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Options of node itself. */
  readonly nodeFlags?: readonly string[];
  /** Started in code with this pool, in place of the command. */
  readonly pool?: 'async' | 'threads' | 'processes';
  /** With the leases and timeouts that are shipped, in place of the fast ones. @default false */
  readonly shipped?: boolean;
  /** The most memory of a pool's child. */
  readonly memory?: string;
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Leases of 2 s, looked after every second; sockets silent for 3 s are dead: faults show within seconds. */
const fastProfile = ['--lock-duration', '2s', '--stalled-interval', '1s', '--socket-timeout', '3s', '--drain', '5s'];
const startDeadline = 30_000;

/** A real `lovage worker` in a process of its own. */
export class WorkerProcess {
  readonly name: string;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** When it ended, by the monotonic clock of the ledgers. */
  exitedAt: number | undefined;
  /** Everything it said, a line each. */
  readonly lines: readonly string[];
  readonly #child: ChildProcess;

  private constructor(name: string, child: ChildProcess, lines: readonly string[]) {
    this.name = name;
    this.pid = child.pid as number;
    this.#child = child;
    this.lines = lines;
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.exitedAt = monotonic();
        resolve({ code, signal });
      });
    });
  }

  /** Resolves when it consumes. `wait: false`: at once. */
  static async start(start: WorkerStart, wait = true): Promise<WorkerProcess> {
    const child = spawn(process.execPath, argumentsOf(start), {
      env: environmentOf(start),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    keepChild(child);
    const lines: string[] = [];
    const worker = new WorkerProcess(start.name, child, lines);
    const ready = new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stderr as NonNullable<typeof child.stderr> }).on('line', (line) => {
        lines.push(line);
        if (/\bready\b/.test(line)) resolve();
      });
      void worker.exited.then(() => reject(new Error(`worker ${start.name} ended: ${lines.join('\n')}`)));
    });
    if (wait) await within(ready, startDeadline, `worker ${start.name} to be ready`);
    else ready.catch(() => {}); // whoever did not wait looks at `exited`
    return worker;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    if (this.running) this.#child.kill('SIGKILL');
    await this.exited;
  }

  /** How many lines say this. */
  said(pattern: RegExp): number {
    return this.lines.filter((line) => pattern.test(line)).length;
  }
}

function argumentsOf({
  name,
  slots,
  app = appFile,
  flags = [],
  nodeFlags = [],
  pool,
  memory,
  shipped,
}: WorkerStart): readonly string[] {
  if (pool !== undefined) {
    const options = { name, pool, concurrency: slots, lockDuration: '2s', stalledInterval: '1s', drain: '5s' };
    return [...nodeFlags, runnerFile, JSON.stringify({ ...options, ...(memory ? { maxMemoryPerChild: memory } : {}) })];
  }
  const base = ['worker', '-A', app, '-c', String(slots), '-n', name, '--log-format', 'json'];
  return [...nodeFlags, bin, ...base, ...(shipped ? [] : fastProfile), ...flags];
}

function environmentOf({ url, ledgers, env }: WorkerStart): NodeJS.ProcessEnv {
  const clean = Object.entries(process.env).filter(
    ([key]) => !/^(LOVAGE_|REDIS_URL|NODE_OPTIONS|VITEST|CHAOS_)/.test(key),
  );
  return { ...Object.fromEntries(clean), LOVAGE_BROKER_URL: url, CHAOS_LEDGER: ledgers, ...env };
}
