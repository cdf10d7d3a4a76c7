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

/** Another way by which signals come: calls the listener with each. */
export type SignalSource = (listener: (signal: NodeJS.Signals) => void) => void;

/**
 * Takes the process's ending signals until the process ends: one that comes while it is ending must not change its exit
 * code. A third one is `onThird`'s. One that comes both ways counts once: systemd signals every process of a service, and a terminal
 * every process in it, beside what the supervisor passes on.
 */
export function watchSignals(onThird: (signal: NodeJS.Signals) => void, other?: SignalSource): SignalWatch {
  const tell: ((signal: NodeJS.Signals) => void)[] = [];
  const next = (): Promise<NodeJS.Signals> => new Promise((resolve) => tell.push(resolve));
  const watch = { first: next(), second: next(), received: undefined as NodeJS.Signals | undefined };
  let passed = 0;
  const listener = (): ((signal: NodeJS.Signals) => void) => {
    let heard = 0;
    return (signal) => {
      heard += 1;
      if (heard <= passed) return;
      passed = heard;
      watch.received = signal;
      (tell.shift() ?? onThird)(signal);
    };
  };
  const listen = listener();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const) process.on(signal, listen);
  other?.(listener());
  return watch;
}

/** Resolves with the first signal; the second ends the process. */
export async function untilSignal(): Promise<void> {
  const end = (signal: NodeJS.Signals): void => process.exit(exitCodeOfSignal(signal));
  const signals = watchSignals(end);
  void signals.second.then(end);
  await signals.first;
}
