// @ts-check
// `npm run test:busy [-- vitest's arguments]`: the suite beside one niced process per core that never rests. What passes alone and
// fails here measures time where it should wait for a state.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { runNode } from './run.mjs';

/** Takes whatever the suite leaves of a core, and ends with this process, however that ends. */
const hog = `
require('node:os').setPriority(10);
const parent = Number(process.argv[1]);
for (;;) {
  const until = Date.now() + 1_000;
  while (Date.now() < until);
  if (process.ppid !== parent) process.exit();
}`;

const count = availableParallelism();
const hogs = Array.from({ length: count }, () =>
  spawn(process.execPath, ['-e', hog, String(process.pid)], { stdio: 'ignore' }),
);
console.log(`lovage: ${count} processes (nice 10) keep the cores busy.`);
try {
  process.exitCode = (await runNode(['scripts/test.mjs', ...process.argv.slice(2)])).code;
} finally {
  for (const child of hogs) child.kill('SIGKILL');
}
