import { exitCodeOfSignal } from './exit-code.ts';

/** The signals that end a worker, in the order in which they come. */
export interface SignalWatch {
  /** Resolves with the first signal: end in an orderly way. */
  readonly first: Promise<NodeJS.Signals>;
  /** Resolves with the second: end now. */
  readonly second: Promise<NodeJS.Signals>;
  /** The last one so far. */
  readonly received: NodeJS.Signals | undefined;
}

/**
 * Takes the process's ending signals until the process ends: one that comes while it is ending must not change its exit
 * code. A third one is `onThird`'s.
 */
export function watchSignals(onThird: (signal: NodeJS.Signals) => void): SignalWatch {
  const tell: ((signal: NodeJS.Signals) => void)[] = [];
  const next = (): Promise<NodeJS.Signals> => new Promise((resolve) => tell.push(resolve));
  const watch = { first: next(), second: next(), received: undefined as NodeJS.Signals | undefined };
  const listen = (signal: NodeJS.Signals): void => {
    watch.received = signal;
    (tell.shift() ?? onThird)(signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const) process.on(signal, listen);
  return watch;
}

/** Resolves with the first signal; the second ends the process. */
export async function untilSignal(): Promise<void> {
  const end = (signal: NodeJS.Signals): void => process.exit(exitCodeOfSignal(signal));
  const signals = watchSignals(end);
  void signals.second.then(end);
  await signals.first;
}
