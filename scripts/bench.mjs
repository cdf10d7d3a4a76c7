// @ts-check
// `npm run bench -- <name> [--json]`: see packages/bench.
import { build } from './build.mjs';
import { ensureWorkflowPeers } from './ensure-workflow-peers.mjs';
import { runNode } from './run.mjs';

process.exitCode = (await build(['@lovage/bench', '@lovage/celery'])) || (await bench());

async function bench() {
  const problem = process.argv[2] === 'workflow' ? await ensureWorkflowPeers() : undefined;
  if (problem) console.log(`lovage: ${problem} The bench runs without them.`);
  return (await runNode(['packages/bench/dist/main.js', ...process.argv.slice(2)])).code;
}
