import type { Logger, Lovage } from '@lovage/core';
import type { Worker } from '@lovage/core/worker';
import { type ExitCode, exitCodeOfSignal } from '../../exit-code.ts';
import type { SignalWatch } from '../../signal-watch.ts';

/** What the process gets beyond the drain, to hand tasks back and to close connections that may be dead: 5 s, less the exit itself. */
const extra = 4_800;

/** A running worker's process. */
export interface WorkerProcess {
  readonly app: Lovage;
  readonly worker: Worker;
  /** How long running tasks are waited for, in milliseconds. */
  readonly drain: number;
  readonly signals: SignalWatch;
  readonly logger: Logger;
  /** Told when the worker takes no more tasks. */
  readonly onEnding: () => void;
}

/**
 * Waits for a signal, or for somebody to ask from afar (as SIGTERM), and ends the worker by it. SIGTERM, SIGINT: running
 * tasks get the drain, exit 0. SIGQUIT: they are aborted and handed back at once, exit 0. A second signal: the same at once,
 * exit 130 or 143. A worker that is wedged ends as on SIGTERM, exit 75.
 */
export async function endOnSignal({ app, worker, drain, signals, logger, onEnding }: WorkerProcess): Promise<ExitCode> {
  const signal = await Promise.race([
    signals.first,
    worker.shutdownRequested.then(() => 'remote' as const),
    worker.wedged.then(() => 'wedged' as const),
  ]);
  let code: ExitCode = signal === 'wedged' ? 75 : 0;
  const now = signal === 'SIGQUIT' || drain === 0;
  exitAfter(now ? 0 : drain, () => code);
  const running = worker.report().running.length;
  const plan = now || running === 0 ? 'ending now' : 'finishing the running tasks, a second signal aborts them';
  logger.info(`${causes[signal as keyof typeof causes] ?? signal}: ${plan}`, { running });
  onEnding();
  void signals.second.then((second) => {
    code = exitCodeOfSignal(second);
    logger.warn(`${second}: aborting the running tasks`);
    exitAfter(0, () => code);
    void worker.close({ drain: 0 }); // hurries the shutdown below, which reports
  });
  const { released, abandoned } = await worker.close(now ? { drain: 0 } : {});
  logger.info(`stopped: ${count(released)} handed back`, {
    handedBack: released,
    ...(abandoned > 0 ? { abandoned } : {}),
  });
  await app.close();
  return code;
}

const causes = { remote: 'asked to shut down', wedged: 'wedged' } as const;

/** The hard limit: the process ends then, whatever still hangs. Calling what it answers with takes it back. */
export function exitAfter(drain: number, code: () => ExitCode): () => void {
  const timer = setTimeout(() => process.exit(code()), drain + extra).unref();
  return () => clearTimeout(timer);
}

const count = (tasks: number): string => (tasks === 0 ? 'no task' : tasks === 1 ? '1 task' : `${tasks} tasks`);
