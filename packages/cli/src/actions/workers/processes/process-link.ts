import type { HealthAnswers } from '../../../health/health-server.ts';
import type { Page } from '../../../health/metrics-source.ts';
import type { Health, Probe } from '../../../health/readiness.ts';

/** Set in a process of `lovage worker --processes`: which it is, of how many, and the number of its start, as in `2/4/1`. */
const mark = 'LOVAGE_WORKER_PROCESS';

/** What a supervisor says to its processes. */
export type ToProcess =
  | { readonly signal: NodeJS.Signals }
  | { readonly ask: number; readonly probe: Probe }
  | { readonly ask: number; readonly page: string };

/** What a process says to its supervisor. */
export type FromProcess =
  | { readonly ready: true }
  /** Somebody asked it from afar to shut down: it is not to be started again. */
  | { readonly leaving: true }
  | { readonly answer: number; readonly health: Health }
  | { readonly answer: number; readonly page: Page | undefined };

/** A worker's process that a supervisor keeps. */
export interface SupervisedProcess {
  /** From 1. */
  readonly number: number;
  readonly of: number;
  /** Whether it is the first start of the first: it introduces all of them. */
  readonly isNew: boolean;
}

/** Which process of a supervisor this is; undefined where it is none. Processes that a handler starts are not told. */
export function readSupervised(): SupervisedProcess | undefined {
  const [number = 0, of = 0, start = 0] = (process.env[mark] ?? '').split('/').map(Number);
  delete process.env[mark];
  if (process.send === undefined || !(number > 0)) return undefined;
  return { number, of, isNew: number === 1 && start === 1 };
}

/** The environment of such a process. */
export function supervisedEnvironment(number: number, of: number, start: number): NodeJS.ProcessEnv {
  return { ...process.env, [mark]: `${number}/${of}/${start}` };
}

/** The signals that a supervisor passes on. One that is gone is as good as its SIGTERM: nothing runs unkept. */
export function onSupervisorSignal(listener: (signal: NodeJS.Signals) => void): void {
  let ending = false;
  const end = (signal: NodeJS.Signals): void => {
    ending = true;
    listener(signal);
  };
  process.on('message', (message: ToProcess) => {
    if ('signal' in message) end(message.signal);
  });
  process.on('disconnect', () => {
    if (!ending) end('SIGTERM');
  });
}

/** Says something to the supervisor; one that is gone hears nothing. */
export function tellSupervisor(message: FromProcess): void {
  if (process.connected) process.send?.(message, undefined, {}, () => {});
}

/** Answers what the supervisor asks, until the process ends. The link alone does not keep the process alive. */
export function answerSupervisor({ health, page }: HealthAnswers): void {
  process.on('message', (message: ToProcess) => {
    if (!('ask' in message)) return;
    const { ask } = message;
    if ('probe' in message) void health(message.probe).then((found) => tellSupervisor({ answer: ask, health: found }));
    else void page(new URL(message.page)).then((found) => tellSupervisor({ answer: ask, page: found }));
  });
  process.channel?.unref();
}
