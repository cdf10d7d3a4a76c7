import { AsyncLocalStorage } from 'node:async_hooks';

/** What the function of a step is given. */
export interface StepInfo {
  /** The same for every attempt of this step of this run: an idempotency key for what it calls. */
  readonly id: string;
  readonly key: string;
  /** From 1. */
  readonly attempt: number;
  /** With `recordStart`: an attempt began before and nobody knows what became of it. @default false */
  readonly startedBefore: boolean;
  /** Aborts on the step's timeout, on cancel, on a lost lease and on shutdown. */
  readonly signal: AbortSignal;
}

const running = new AsyncLocalStorage<StepInfo>();

/** The step that runs here; undefined outside of one. */
export function currentStep(): StepInfo | undefined {
  return running.getStore();
}

/** Runs `body` as that step. */
export function runAsStep<T>(info: StepInfo, body: () => T): T {
  return running.run(info, body);
}
