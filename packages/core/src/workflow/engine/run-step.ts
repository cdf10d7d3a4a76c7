import { sleep } from '../../clock.ts';
import { PayloadNotSerializableError, PayloadTooLargeError, StepTimeoutError } from '../../errors.ts';
import { toFailure } from '../../message/failure.ts';
import type { JsonValue } from '../../message/json.ts';
import { assertJson } from '../../message/payload-codec.ts';
import { pauseAfter } from '../../retry.ts';
import { runAsStep, type StepInfo } from '../step-context.ts';
import type { ResolvedStepOptions } from '../step-options.ts';
import type { Request } from './request.ts';
import type { RunEngine } from './run-engine.ts';

/** The function of a step. */
export type StepFunction<T = unknown> = (info: StepInfo) => T | PromiseLike<T>;

/** A step that is carried out. */
export interface StepRun {
  readonly engine: RunEngine;
  readonly request: Request;
  readonly fn: StepFunction;
  readonly options: ResolvedStepOptions;
}

/** Carries a step out, again while it fails and may be retried. Its attempts are counted in the log. */
export function runStep(run: StepRun): void {
  const { engine, request } = run;
  const mark = engine.log.mark(request.key);
  const attempt = mark?.attempt ?? 1;
  const startedBefore = mark?.started === true;
  const begin = (): void => void engine.work(() => attempts(run, attempt, startedBefore));
  if (mark?.until === undefined || mark.until <= engine.now) begin();
  else engine.wait(request, { until: mark.until, onTime: begin });
}

async function attempts(run: StepRun, from: number, startedBefore: boolean): Promise<void> {
  const { engine, request } = run;
  request.wait = undefined;
  for (let attempt = from; ; attempt += 1) {
    await prepare(run, attempt);
    if (engine.over) return;
    const result = await attemptOnce(run, { attempt, startedBefore });
    if (engine.over) return;
    if (!('error' in result)) return engine.complete({ request, result });
    if (!mayRetry(run, attempt, result.error))
      return engine.complete({ request, result: { failure: toFailure(result.error) } });
    const delay = postpone(run, attempt, result.error);
    if (delay > engine.options.limits.parkAfter) return later(run, { until: engine.now + delay, attempt: attempt + 1 });
    await engine.journal.write({});
    await sleep(engine.options.clock, delay, signalOf(run)).catch(() => undefined); // the next attempt sees its signal
  }
}

/** A compensation is not aborted by the cancel, or the failure, that it is there for. */
function signalOf({ engine, request }: StepRun): AbortSignal {
  return request.kind === 'compensate' ? engine.options.signal : engine.signal;
}

/** What the code read before this step (the time, a patch) must be stored before the step acts on it. */
async function prepare({ engine, request, options }: StepRun, attempt: number): Promise<void> {
  if (options.recordStart) engine.mark(request.key, { kind: request.kind, attempt, started: true });
  if (options.recordStart || engine.journal.hasBuffered) await engine.journal.write({});
}

/** The next attempt and its time are in the log with the next write. Returns the delay. */
function postpone({ engine, request, options }: StepRun, attempt: number, error: unknown): number {
  const inMs = pauseAfter({ first: options.backoff, longest: options.backoffMax }, attempt);
  const { logger } = engine.options;
  logger.warn('a step failed and will be tried again', { taskId: engine.id, step: request.key, attempt, inMs, error });
  engine.mark(request.key, { kind: request.kind, attempt: attempt + 1, until: engine.now + inMs });
  return inMs;
}

function later(run: StepRun, { until, attempt }: { readonly until: number; readonly attempt: number }): void {
  const { engine, request } = run;
  engine.wait(request, { until, onTime: () => void engine.work(() => attempts(run, attempt, false)) });
}

function mayRetry({ options, engine, request }: StepRun, attempt: number, error: unknown): boolean {
  if (attempt > options.retries || (engine.signal.aborted && request.kind === 'step')) return false;
  if (error instanceof PayloadNotSerializableError || error instanceof PayloadTooLargeError) return false;
  return options.retryIf(error);
}

type Attempted = { readonly value?: JsonValue } | { readonly error: unknown };

async function attemptOnce(
  run: StepRun,
  { attempt, startedBefore }: Pick<StepInfo, 'attempt' | 'startedBefore'>,
): Promise<Attempted> {
  const { engine, request, fn, options } = run;
  const abort = new StepAbort(signalOf(run));
  const info: StepInfo = {
    id: `${engine.id}/${request.key}`,
    key: request.key,
    attempt,
    startedBefore,
    get signal() {
      return abort.signal;
    },
  };
  try {
    const running = runAsStep(info, async () => fn(info));
    const value = await (options.timeout === undefined ? running : within(run, running, abort));
    if (value !== undefined) {
      const limit = { bytes: engine.options.limits.maxResult, option: 'maxResult' };
      const what = `run ${engine.id}: the outcome of step "${request.key}"`;
      assertJson(value, what, limit, what);
    }
    return value === undefined ? {} : { value: value as JsonValue };
  } catch (error) {
    return { error };
  } finally {
    abort.close();
  }
}

function within({ engine, request, options }: StepRun, running: Promise<unknown>, abort: StepAbort): Promise<unknown> {
  const ms = options.timeout ?? 0;
  return new Promise((resolve, reject) => {
    const timer = engine.options.clock.after(ms, () => {
      const error = new StepTimeoutError(engine.id, request.key, ms);
      abort.abort(error);
      reject(error);
    });
    running.then(resolve, reject).finally(() => timer.cancel());
  });
}

/** The signal of one attempt, made when it is asked for: a controller costs 3 µs on Node 20. */
class StepAbort {
  readonly #run: AbortSignal;
  #controller: AbortController | undefined;
  #reason: unknown;

  constructor(run: AbortSignal) {
    this.#run = run;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      this.#run.addEventListener('abort', this.#onAbort, { once: true });
      if (this.#run.aborted) this.#onAbort();
      else if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#reason = reason;
    this.#controller?.abort(reason);
  }

  close(): void {
    this.#run.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (): void => this.abort(this.#run.reason);
}
