// @ts-check
// `npm run chaos -- <scenario> [--seed n] [--tasks n] [--driver redis|redis+streams]`: see packages/chaos, docs/reliability.md.
import { build } from './build.mjs';
import { runNode } from './run.mjs';

process.exitCode = (await build(['@lovage/chaos'])) || (await chaos());

async function chaos() {
  return (await runNode(['packages/chaos/dist/main.js', ...process.argv.slice(2)])).code;
}
