// @ts-check
// `npm run bench -- <name> [--json]`: see packages/bench.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { root, run, runNode } from './run.mjs';

process.exitCode = (await build(['@lovage/bench', '@lovage/celery'])) || (await bench());

async function bench() {
  const args = process.argv.slice(2);
  const at = args.indexOf('--against') + 1;
  const against = at > 0 ? args[at] : undefined;
  if (against !== undefined) {
    const tree = await treeOf(against);
    if (tree === undefined) return 2;
    args[at] = tree;
  }
  return (await runNode(['packages/bench/dist/main.js', ...args])).code;
}

/**
 * The folder of a built checkout: what was named, or that commit, unpacked and built once below node_modules. Says what is wrong where
 * there is none.
 * @param {string} named
 */
async function treeOf(named) {
  if (existsSync(join(named, 'packages/bench/dist/child.js'))) return named;
  const commit = await run('git', ['rev-parse', '--verify', '--quiet', `${named}^{commit}`], { capture: true });
  if (commit.code !== 0) {
    console.error(
      `bench: --against: there is no commit "${named}" here, nor a folder of that name with a built checkout`,
    );
    return undefined;
  }
  const folder = join(root, 'node_modules/.cache/lovage-bench', commit.output.trim().slice(0, 12));
  if (existsSync(join(folder, 'packages/bench/dist/child.js'))) return folder;
  console.error(`bench: unpacking and building ${named} in ${folder}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const archive = join(folder, 'archive.tar');
  const steps = [
    () => run('git', ['archive', '--format=tar', '-o', archive, commit.output.trim()], { capture: true }),
    () => run('tar', ['-xf', archive, '-C', folder], { capture: true }),
    () => run('npm', ['ci'], { capture: true, cwd: folder }),
    () => run('npm', ['run', 'build'], { capture: true, cwd: folder }),
  ];
  for (const step of steps) {
    const { code, output } = await step();
    if (code === 0) continue;
    console.error(`bench: ${named} could not be built:\n${output}`);
    return undefined;
  }
  rmSync(archive);
  return folder;
}
