// P10: how soon Lovage is there: imported, asked for help, ready to work. Each in a fresh Node.
import { type ChildProcess, spawn } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import type { Bench } from '../bench.ts';
import { measureRounds } from '../measure.ts';
import { fileInTree } from '../tree.ts';

const command = (): string => fileInTree('packages/lovage/dist/bin.js');
const importProgram = (): string => {
  const library = pathToFileURL(fileInTree('packages/lovage/dist/index.js')).href;
  return `const t = performance.now(); await import(${JSON.stringify(library)}); console.log(performance.now() - t);`;
};
/** The worker's own word for it, whatever the rest of the line says. */
const readyLine = /\bready\b/i;
const readyDeadline = 30_000;

export const startup: Bench = async ({ load, redis, say }) => ({
  rounds: await measureRounds(
    load.rounds,
    [
      async () => ({ "import 'lovage'": await importTime() }),
      async () => ({ 'lovage --help': await helpTime() }),
      async () => ({ 'lovage worker until ready': await workerTime(redis.url) }),
    ],
    (done) => say(`round ${done} of ${load.rounds}`),
  ),
});

/** Milliseconds of the import alone, measured inside the process. */
async function importTime(): Promise<number> {
  const { output } = await ended(node('--input-type=module', '-e', importProgram()));
  return Number(output);
}

/** Milliseconds from the start of the process to its end. */
async function helpTime(): Promise<number> {
  const started = performance.now();
  const { code, output } = await ended(node(command(), '--help'));
  if (code !== 0) throw new Error(`lovage --help ended with ${code}:\n${output}`);
  return performance.now() - started;
}

/** Milliseconds from the start of the process to its ready line. */
async function workerTime(url: string): Promise<number> {
  const started = performance.now();
  const worker = node(command(), 'worker', '-A', fileInTree('packages/bench/dist/startup-app.js'), '--broker', url);
  try {
    await printed(worker, readyLine);
    return performance.now() - started;
  } finally {
    const end = ended(worker);
    worker.kill('SIGTERM');
    await end;
  }
}

function node(...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } });
}

function ended(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
    child.once('error', reject).once('close', (code) => resolve({ code, output }));
    if (child.exitCode !== null) resolve({ code: child.exitCode, output });
  });
}

function printed(child: ChildProcess, pattern: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    const fail = (why: string) => (): void => reject(new Error(`lovage worker ${why}:\n${output}`));
    const timer = setTimeout(fail(`was not ready within ${readyDeadline / 1000} s`), readyDeadline);
    const look = (chunk: Buffer): void => {
      output += chunk;
      if (!pattern.test(output)) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
    child.once('close', () => {
      clearTimeout(timer);
      fail('ended before it was ready')();
    });
  });
}
