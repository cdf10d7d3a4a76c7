/** The program of a pool's thread or process: loads the app, then runs one handler at a time for its worker. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ChildSetup, FromChild, ToChild } from './child-message.ts';
import { createChildLogger, createChildRunner } from './child-runner.ts';
import { loadAppModule } from './load-app-module.ts';

const setup: ChildSetup = parentPort
  ? (workerData as ChildSetup)
  : (JSON.parse(process.argv[2] as string) as ChildSetup);
const port = parentPort;
const post = (message: FromChild): void => {
  if (port) port.postMessage(message);
  else process.send?.(message);
};

// It would end the child, and with it a later task that has no part in it.
process.on('unhandledRejection', (error) =>
  createChildLogger(post).error("a promise was rejected and nobody caught it; the pool's child goes on", { error }),
);

if (!port) {
  process.on('disconnect', () => process.exit(0)); // its worker is gone
  // a terminal gives its signals to the children too, and the worker decides
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const) process.on(signal, () => {});
}

try {
  const runner = createChildRunner(await loadAppModule(setup.app), setup, post);
  const receive = (message: ToChild): void => runner(message);
  if (port) port.on('message', receive);
  else process.on('message', receive);
  post({ type: 'ready' });
} catch (error) {
  post({ type: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}
