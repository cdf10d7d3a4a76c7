// @ts-check
// `npm run build`: every package; the other scripts ask for the packages they need.
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binOf, root, run, runNode } from './run.mjs';
import { sweep } from './sweep.mjs';

/**
 * Builds packages and what they depend on; what is up to date comes from turbo's cache. Says nothing unless it fails.
 * @param {readonly string[]} packages Names, as in package.json; none means all.
 * @returns {Promise<number>} The exit code.
 */
export async function build(packages = []) {
  const turbo = await findTurbo();
  const built = await (turbo ? buildWithTurbo(turbo, packages) : buildWithoutTurbo());
  if (built.code !== 0) {
    process.stderr.write(built.output);
    return built.code;
  }
  sweep();
  return linkCommand();
}

/** Turbo is a native program: on a platform it has none for, everything else here still works. */
async function findTurbo() {
  try {
    const turbo = binOf('turbo');
    const answer = await runNode([turbo, '--version'], { capture: true });
    return answer.code === 0 ? turbo : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {string} turbo
 * @param {readonly string[]} packages
 */
function buildWithTurbo(turbo, packages) {
  const filters = packages.map((name) => `--filter=${name}...`);
  return runNode([turbo, 'run', 'build', '--output-logs=errors-only', ...filters], { capture: true });
}

function buildWithoutTurbo() {
  console.error('lovage: turbo does not run here, so npm itself builds every package, without a cache.');
  return run('npm', ['run', 'build', '--workspaces', '--if-present'], { capture: true });
}

/**
 * In a fresh clone, `npm install` comes before the build and cannot link a command whose file is not there yet. Linked
 * afterwards, `npx lovage` works in the repository as it does where lovage is installed.
 */
async function linkCommand() {
  const command = join(root, 'packages', 'lovage', 'dist', 'bin.js');
  if (!existsSync(command)) return 0;
  chmodSync(command, 0o755);
  if (existsSync(join(root, 'node_modules', '.bin', 'lovage'))) return 0;
  const linked = await run('npm', ['rebuild', '--workspace=lovage', '--ignore-scripts'], { capture: true });
  if (linked.code !== 0) process.stderr.write(linked.output);
  return linked.code;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await build();
