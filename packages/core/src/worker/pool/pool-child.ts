/** What runs in a pool's thread or process: one handler at a time for its worker. */
import { parentPort, Worker as Thread, workerData } from 'node:worker_threads';
import type { Lovage } from '../../app/app.ts';
import { type ChildSetup, envelope, type FromChild, type ToChild } from './child-message.ts';
import { createChildLogger, createChildRunner } from './child-runner.ts';

/** Ends this process when its worker is gone, from a thread: a handler may block the event loop, and no event would come. */
const watchParent = `const { workerData } = require('node:worker_threads');
setInterval(() => { if (process.ppid !== workerData) process.kill(process.pid, 'SIGKILL'); }, 500);`;

/**
 * Runs the tasks of an app in a thread or process of a worker's pool. For bundled workers: bundle a module that calls it as an
 * entry of its own, and give `startWorker` its URL as `poolChild`. Does nothing in a process that no worker has started.
 */
export function runPoolChild(app: Lovage): void {
  void serve(async () => app); // never rejects
}

/** As {@link runPoolChild}, for an app that is loaded first. Never rejects. */
export async function serve(load: (setup: ChildSetup) => Promise<Lovage>): Promise<void> {
  const setup = readSetup();
  if (setup === undefined) return;
  const port = parentPort;
  const post = (message: FromChild): void => {
    const sent = envelope(setup.nonce, message);
    if (port) port.postMessage(sent);
    else process.send?.(sent);
  };
  // It would end the child, and with it a later task that has no part in it.
  process.on('unhandledRejection', (error) =>
    createChildLogger(post).error('unhandled promise rejection; the child process continues', { error }),
  );
  if (!port) endWithWorker(setup.pid);
  try {
    const runner = createChildRunner(await load(setup), setup, post);
    const receive = (message: ToChild): void => runner(message);
    if (port) port.on('message', receive);
    else process.on('message', receive);
    post({ type: 'ready' });
  } catch (error) {
    post({ type: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

/** undefined outside of a pool's child. */
function readSetup(): ChildSetup | undefined {
  if (parentPort) return (workerData as ChildSetup | null)?.nonce ? (workerData as ChildSetup) : undefined;
  const given = process.send && process.argv[2];
  return given ? (JSON.parse(given) as ChildSetup) : undefined;
}

function endWithWorker(worker: number): void {
  process.on('disconnect', () => process.exit(0));
  // a terminal gives its signals to the children too, and the worker decides
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const) process.on(signal, () => {});
  const watch = new Thread(watchParent, {
    eval: true,
    workerData: worker,
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 16 },
  });
  watch.on('error', () => {}); // the event above still ends a child that is not blocked
  watch.unref();
}
