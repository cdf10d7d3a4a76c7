import type { Clock } from '../../clock.ts';
import type { Delivery, Settlement } from '../../driver/broker.ts';
import type { Logger } from '../../logger.ts';
import type { Failure } from '../../message/failure.ts';
import type { JsonValue } from '../../message/json.ts';
import type { Message } from '../../message/message.ts';
import type { SizeLimit } from '../../message/payload-codec.ts';
import type { MaybePromise } from '../../options/schema.ts';
import type { TaskDefinition } from '../../task/task.ts';
import type { Middleware, Next } from '../middleware/middleware.ts';
import type { TaskLimits } from '../middleware/task-limits.ts';
import type { Pools } from '../pool/pools.ts';
import type { Attempt } from './attempt.ts';
import { AttemptContext, type CanvasTools } from './attempt-context.ts';
import type { AttemptResult } from './attempt-result.ts';
import type { CanvasFollower } from './canvas-step.ts';
import { classifyError } from './classify-error.ts';
import { sealResult, toSettlement } from './settle.ts';
import type { StateRecorder } from './state-writer.ts';

/** What the executor of one worker needs. */
export interface ExecutorOptions {
  readonly clock: Clock;
  /** Tells when messages come again. */
  readonly brokerClock: Clock;
  readonly logger: Logger;
  readonly worker: string;
  readonly middleware: readonly Middleware[];
  readonly states: StateRecorder;
  readonly pools: Pick<Pools, 'run'>;
  readonly random: () => number;
  readonly maxPayload: SizeLimit;
  readonly maxResult: SizeLimit;
  readonly limits: TaskLimits;
  /** The app's. */
  readonly prefix: string | undefined;
  readonly onProgress: (message: Message, progress: JsonValue) => void;
  readonly resultExpires: number;
  readonly storesResults: boolean;
  /** What handlers may do to their canvas. */
  readonly canvas?: CanvasTools | undefined;
  /** Puts canvases in the place of tasks; undefined: the app stores no results. */
  readonly canvasStep?: CanvasFollower | undefined;
  /** Told of each attempt that begins, and of what it came to. */
  readonly observer: AttemptObserver;
}

/** Watches attempts; cannot change them and must not throw. */
export interface AttemptObserver {
  onStart(attempt: Attempt): void;
  onEnd(attempt: Attempt, result: AttemptResult): void;
}

/** Runs one delivery of a known task from beginning to end. */
export class Executor {
  readonly #options: ExecutorOptions;

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  /** The life of one attempt: begin → run → conclude → settle, without a promise where nothing waits. Never throws or rejects. */
  execute(definition: TaskDefinition, delivery: Delivery): MaybePromise<Settlement> {
    const attempt = this.#begin(definition, delivery);
    const result = this.#run(attempt);
    return result instanceof Promise ? result.then((late) => this.#end(attempt, late)) : this.#end(attempt, result);
  }

  #run(attempt: Attempt): MaybePromise<AttemptResult> {
    const { middleware, pools } = this.#options;
    const failed = (error: unknown) =>
      classifyError(attempt, error, { ...this.#options, clock: this.#options.brokerClock }); // a middleware threw, or a pool cannot be had
    try {
      const result = runThrough(middleware, attempt, pools);
      return result instanceof Promise ? result.catch(failed) : result;
    } catch (error) {
      return failed(error);
    }
  }

  #end(attempt: Attempt, given: AttemptResult): MaybePromise<Settlement> {
    const result = sealResult(attempt, given, this.#options.maxResult);
    this.#conclude(attempt, result);
    const { canvasStep } = this.#options;
    if (result.state === 'REPLACED' && canvasStep) {
      return canvasStep.replace(attempt.message, result.canvas, result.added);
    }
    return this.#settle(attempt, result);
  }

  #begin(definition: TaskDefinition, delivery: Delivery): Attempt {
    const context = new AttemptContext(definition, delivery, this.#options);
    const attempt: Attempt = {
      definition,
      message: delivery.message,
      delivery,
      context,
      begun: 0,
      place: 0,
      onBegin: undefined,
      ran: 0,
      endedAt: 0,
    };
    this.#options.observer.onStart(attempt);
    return attempt;
  }

  #conclude(attempt: Attempt, result: AttemptResult): void {
    this.#options.observer.onEnd(attempt, result);
    this.#log(attempt, result);
    if (result.state === 'RETRY') this.#recordRetry(attempt, result);
  }

  #settle(attempt: Attempt, result: AttemptResult): Settlement {
    const { brokerClock, worker, resultExpires, storesResults } = this.#options;
    const now = attempt.endedAt || brokerClock.now();
    return toSettlement(attempt, result, { now, worker, resultExpires, storesResults });
  }

  #recordRetry({ context, message }: Attempt, { failure }: Extract<AttemptResult, { state: 'RETRY' }>): void {
    const { clock, states, worker } = this.#options;
    const record = {
      id: message.id,
      task: message.task,
      state: 'RETRY',
      failure,
      attempts: context.attempt,
      at: clock.now(),
      worker,
      ...(message.canvas ? { canvas: message.canvas } : {}),
    };
    void states.write(message, record); // never rejects
  }

  #log({ message, context }: Attempt, result: AttemptResult): void {
    const { logger, brokerClock } = this.#options;
    switch (result.state) {
      case 'REVOKED':
        logger.info('task revoked', { task: message.task, taskId: message.id, reason: result.reason });
        return;
      case 'RETRY':
        logger.info('task will be retried', {
          task: message.task,
          taskId: message.id,
          retry: result.message.retries,
          inMs: Math.max(0, Math.round(result.at - brokerClock.now())),
          error: `${result.failure.name}: ${result.failure.message}`,
        });
        return;
      case 'CRASHED':
        logger.error('task crashed its child', { task: message.task, taskId: message.id, why: result.why });
        return;
      case 'FAILURE':
      case 'CRASH_BUDGET_EXCEEDED':
      case 'REJECTED':
        logger.error(result.state === 'REJECTED' ? 'task rejected' : 'task failed', {
          task: message.task,
          taskId: message.id,
          attempts: context.attempt,
          error: `${result.failure.name}: ${result.failure.message}`,
          ...(result.failure.stack === undefined ? {} : { stack: wholeStack(result.failure) }),
        });
        return;
      default:
        if (logger.debugEnabled === false) return;
        logger.debug(`task ${result.state.toLowerCase()}`, { task: message.task, taskId: message.id });
    }
  }
}

/** The stacks of a failure and of what caused it. */
function wholeStack({ stack = '', cause }: Failure): string {
  return cause === undefined
    ? stack
    : `${stack}\ncaused by ${wholeStack({ ...cause, stack: cause.stack ?? `${cause.name}: ${cause.message}` })}`;
}

/** The innermost step: runs the handler. */
export interface Core {
  run(attempt: Attempt): MaybePromise<AttemptResult>;
}

/** Runs the attempt through those of the list that apply, the first outermost; most attempts meet none, and need no closure. */
export function runThrough(list: readonly Middleware[], attempt: Attempt, core: Core): MaybePromise<AttemptResult> {
  let next: Next | undefined;
  for (let index = list.length - 1; index >= 0; index--) {
    const middleware = list[index] as Middleware;
    if (middleware.applies && !middleware.applies(attempt)) continue;
    const inner = next ?? (async () => core.run(attempt));
    next = () => middleware.run(attempt, inner);
  }
  return next ? next() : core.run(attempt);
}
