import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type ExitCode, exitCodeOfSignal } from '../../exit-code.ts';
import type { DevArguments } from '../../options/dev-options.ts';
import { printNote } from '../../output/print.ts';
import { watchFiles } from './watch-files.ts';

/** What the app's process may end with that says why. */
const codes: readonly ExitCode[] = [0, 1, 2, 69, 70];

/** Set in the process that runs the app: the one that watches starts it anew. */
const childMark = 'LOVAGE_DEV_CHILD';

/** Runs the app in a process of its own and starts it anew when a file changes. Tasks in flight are finished, or given back, first. */
export async function runDev(given: DevArguments): Promise<ExitCode> {
  if (process.env[childMark]) return (await import('./serve-dev.ts')).serveDev(given);
  return new Restarter(process.cwd(), !given.noWatch).run();
}

/** Keeps one process of the app. */
class Restarter {
  readonly #folder: string;
  readonly #watches: boolean;
  #child: ChildProcess = startChild();
  #changed: readonly string[] = [];
  #ending: NodeJS.Signals | undefined;
  #wake: () => void = () => {};

  constructor(folder: string, watches: boolean) {
    this.#folder = folder;
    this.#watches = watches;
  }

  async run(): Promise<ExitCode> {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const) process.on(signal, () => this.#end(signal));
    const stop = this.#watches ? watchFiles(this.#folder, (files) => this.#restart(files)) : () => {};
    try {
      for (;;) {
        const code = await this.#runOnce();
        if (code !== undefined) return code;
        printNote(`changed: ${this.#changed.slice(0, 3).join(', ')}; starting anew`);
        this.#changed = [];
        this.#child = startChild();
      }
    } finally {
      stop();
    }
  }

  /** Until the app is to be started anew; the exit code where it is not. */
  async #runOnce(): Promise<ExitCode | undefined> {
    const [code, signal] = (await once(this.#child, 'exit')) as [number | null, NodeJS.Signals | null];
    if (this.#ending) return code === 0 ? 0 : exitCodeOfSignal(this.#ending);
    if (!this.#watches) return codes.find((known) => known === code) ?? 1;
    if (this.#changed.length === 0) await this.#change(String(signal ?? code));
    return this.#ending ? 0 : undefined;
  }

  /** The app ended by itself, or could not start: nothing is gained by starting it again as it is. */
  async #change(how: string): Promise<void> {
    printNote(`the app ended (${how}); waiting for a change`);
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  #restart(files: readonly string[]): void {
    this.#changed = [...this.#changed, ...files];
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGTERM');
    this.#wake();
  }

  /** A terminal tells the child itself; a signal to this process alone is passed on. The child knows that a second one means now. */
  #end(signal: NodeJS.Signals): void {
    const first = this.#ending === undefined;
    this.#ending ??= signal;
    this.#wake();
    if (signal === 'SIGINT' && process.stdin.isTTY) return;
    if (first) this.#child.kill(signal);
    else this.#child.kill('SIGKILL');
  }
}

function startChild(): ChildProcess {
  const [program = '', ...args] = process.argv.slice(1);
  return spawn(process.execPath, [...process.execArgv, program, ...args], {
    stdio: 'inherit',
    env: { ...process.env, [childMark]: '1' },
  });
}
