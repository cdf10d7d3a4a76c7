// @ts-check
// `npm start`: the hello example on memory://, from a fresh clone.
import { build } from './build.mjs';
import { runNode } from './run.mjs';

process.exitCode = (await build(['lovage'])) || (await hello());

async function hello() {
  return (await runNode(['--import', 'tsx', 'examples/01-hello/main.ts', ...process.argv.slice(2)])).code;
}
