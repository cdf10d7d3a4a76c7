import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { monotonic } from '../ledger/ledger.ts';
import { until } from '../until.ts';
import { keepChild } from './children.ts';

/** A line that a process wrote. */
export interface Line {
  readonly text: string;
  /** When it was read, by the monotonic clock of the ledgers. */
  readonly at: number;
}

/** How a process is started. */
export interface LineProcessStart {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** A node process that says on stdout and stderr what happens, a line each. */
export class LineProcess {
  readonly pid: number;
  readonly lines: Line[] = [];
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;

  constructor({ args, env }: LineProcessStart) {
    this.#child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    keepChild(this.#child);
    this.pid = this.#child.pid as number;
    this.#exited = new Promise((resolve) => this.#child.once('exit', () => resolve()));
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (text) => this.lines.push({ text, at: monotonic() }));
    }
  }

  /** The first line from this moment on that fits. Rejects after `timeout` milliseconds. */
  async said(pattern: RegExp, since = 0, timeout = 30_000): Promise<Line> {
    const find = (): Line | undefined => this.lines.find(({ text, at }) => at >= since && pattern.test(text));
    const info = (): string =>
      this.lines
        .slice(-5)
        .map(({ text }) => text)
        .join(' | ');
    try {
      return (await until(find, timeout, String(pattern))) as Line;
    } catch (error) {
      throw new Error(`${(error as Error).message}; it said: ${info()}`, { cause: error });
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Resolves when it has ended. */
  async end(name: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(name);
    await this.#exited;
  }
}
