// @ts-check
// `npm run bench -- <name> [--json]`: see packages/bench.
import { build } from './build.mjs';
import { runNode } from './run.mjs';

process.exitCode = (await build(['@lovage/bench', '@lovage/celery'])) || (await bench());

async function bench() {
  return (await runNode(['packages/bench/dist/main.js', ...process.argv.slice(2)])).code;
}
