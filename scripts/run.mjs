// @ts-check
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root: every script runs from here, wherever it was called. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** What every child process gets: our tools report to nobody. */
const quietTools = { TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', TURBO_NO_UPDATE_NOTIFIER: '1' };

/**
 * @typedef {object} RunOptions
 * @property {boolean} [capture] Keep the output instead of showing it.
 * @property {NodeJS.ProcessEnv} [env] Added to this process's environment.
 * @property {string} [cwd] Where it runs, instead of the root.
 *
 * @typedef {object} Ended
 * @property {number} code Exit code; 128 + n after signal n, 127 when the program could not be started.
 * @property {string} output What it wrote, both streams, when captured.
 */

/**
 * Runs a program in the repository's root until it ends. Never rejects.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<Ended>}
 */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(command, args, {
      cwd: options.cwd ?? root,
      env: { ...process.env, ...quietTools, ...options.env },
      stdio: options.capture ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    });
    const unforward = forwardSignals(child);
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => {
      unforward();
      resolve({ code: 127, output: output || error.message });
    });
    child.on('close', (code, signal) => {
      unforward();
      resolve({ code: code ?? (signal === 'SIGINT' ? 130 : 143), output });
    });
  });
}

/**
 * Runs Node on a script: `['vitest/vitest.mjs', 'run']` finds the file in node_modules, without npx and its shell.
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 */
export function runNode(args, options) {
  return run(process.execPath, args, options);
}

/**
 * The file that a dependency's command runs.
 * @param {string} dependency
 * @param {string} [command] Its name in `bin`, where it is not the dependency's own.
 */
export function binOf(dependency, command = dependency) {
  const manifest = createRequire(import.meta.url).resolve(`${dependency}/package.json`);
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8'));
  return join(dirname(manifest), typeof bin === 'string' ? bin : bin[command]);
}

/**
 * A terminal's Ctrl-C reaches the child by itself; a supervisor's SIGTERM reaches only us.
 * @param {import('node:child_process').ChildProcess} child
 */
function forwardSignals(child) {
  const terminate = () => child.kill('SIGTERM');
  const wait = () => {};
  process.on('SIGTERM', terminate).on('SIGINT', wait);
  return () => void process.off('SIGTERM', terminate).off('SIGINT', wait);
}
