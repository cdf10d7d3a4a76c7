import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { until } from '@lovage/core/testing';

const script = fileURLToPath(new URL('./beat.script.ts', import.meta.url));
/** Maps core to its sources: no test sees a stale build. */
const tsconfig = fileURLToPath(new URL('./tsconfig.beat.json', import.meta.url));
const tsx = fileURLToPath(new URL('../../../node_modules/tsx/dist/loader.mjs', import.meta.url));

/** A running beat.script.ts. */
export class BeatProcess {
  readonly child: ChildProcess;
  readonly lines: string[] = [];
  stderr = '';

  constructor(plan: object) {
    this.child = spawn(process.execPath, ['--import', tsx, script, JSON.stringify(plan)], {
      env: { ...process.env, TSX_TSCONFIG_PATH: tsconfig },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let rest = '';
    this.child.stdout?.on('data', (bytes: Buffer) => {
      const parts = `${rest}${bytes}`.split('\n');
      rest = parts.pop() ?? '';
      this.lines.push(...parts);
    });
    this.child.stderr?.on('data', (bytes: Buffer) => {
      this.stderr += bytes;
    });
  }

  /** Whether its last word on it was that it leads. */
  get leads(): boolean {
    return this.lines.findLast((line) => line === 'leads' || line === 'follows') === 'leads';
  }

  async said(line: string, timeout = 60_000): Promise<void> {
    const what = (): string => `"${line}", got ${JSON.stringify(this.lines.slice(-5))} ${this.stderr.slice(0, 500)}`;
    await until(() => this.lines.includes(line), { timeout, what });
  }

  async end(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill(signal);
    this.child.kill('SIGCONT');
    await gone;
  }
}
