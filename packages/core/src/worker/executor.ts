import type { Clock } from '../clock.ts';
import type { Delivery, Settlement } from '../driver/broker.ts';
import type { Logger } from '../logger.ts';
import type { JsonValue } from '../task/json.ts';
import type { Message } from '../task/message.ts';
import type { SizeLimit } from '../task/payload-codec.ts';
import type { TaskDefinition } from '../task/task.ts';
import type { Attempt } from './attempt.ts';
import { AttemptContext } from './attempt-context.ts';
import type { AttemptResult } from './attempt-result.ts';
import { type Middleware, runThrough } from './middleware.ts';
import { runHandler } from './run-handler.ts';
import { toSettlement } from './settle.ts';
import type { StateWriter } from './state-writer.ts';
import type { TaskLimits } from './task-limits.ts';
import { resultOfThrown } from './thrown.ts';

/** What the executor of one worker needs. */
export interface ExecutorOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly worker: string;
  readonly middleware: readonly Middleware[];
  readonly states: StateWriter;
  readonly random: () => number;
  readonly maxPayload: SizeLimit;
  readonly maxResult: SizeLimit;
  readonly limits: TaskLimits;
  readonly onProgress: (message: Message, progress: JsonValue) => void;
  readonly resultExpires: number;
  readonly storesResults: boolean;
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

  /** The life of one attempt: begin → run → conclude → settle. Never rejects. */
  async execute(definition: TaskDefinition, delivery: Delivery): Promise<Settlement> {
    const attempt = this.#begin(definition, delivery);
    const result = await this.#run(attempt);
    this.#conclude(attempt, result);
    return this.#settle(attempt, result);
  }

  #begin(definition: TaskDefinition, delivery: Delivery): Attempt {
    const context = new AttemptContext(definition, delivery, this.#options);
    const attempt: Attempt = { definition, message: delivery.message, delivery, context };
    this.#options.observer.onStart(attempt);
    return attempt;
  }

  async #run(attempt: Attempt): Promise<AttemptResult> {
    try {
      return await runThrough(this.#options.middleware, attempt, () => this.#runHandler(attempt));
    } catch (error) {
      return resultOfThrown(attempt, error, this.#options); // a middleware threw
    }
  }

  /** As the handler ends, or at once when the attempt is broken off (revoke, shutdown): what it still does has no effect. */
  #runHandler(attempt: Attempt): Promise<AttemptResult> {
    return new Promise((resolve) => {
      attempt.context.onBreakOff(resolve);
      void this.#handle(attempt).then(resolve); // never rejects
    });
  }

  async #handle(attempt: Attempt): Promise<AttemptResult> {
    try {
      return await runHandler(attempt, this.#options.maxResult);
    } catch (error) {
      return resultOfThrown(attempt, error, this.#options);
    }
  }

  #conclude(attempt: Attempt, result: AttemptResult): void {
    this.#options.observer.onEnd(attempt, result);
    this.#log(attempt, result);
    if (result.state === 'RETRY') this.#recordRetry(attempt, result);
  }

  #settle(attempt: Attempt, result: AttemptResult): Settlement {
    const { clock, worker, resultExpires, storesResults } = this.#options;
    return toSettlement(attempt, result, { now: clock.now(), worker, resultExpires, storesResults });
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
    };
    void states.write(message, record); // never rejects
  }

  #log({ message, context }: Attempt, result: AttemptResult): void {
    const { logger, clock } = this.#options;
    switch (result.state) {
      case 'SUCCESS':
        if (logger.debugEnabled !== false) logger.debug('task succeeded', { task: message.task, taskId: message.id });
        return;
      case 'RETRY':
        logger.info('task will be retried', {
          task: message.task,
          taskId: message.id,
          retry: result.message.retries,
          inMs: Math.max(0, Math.round(result.at - clock.now())),
          error: `${result.failure.name}: ${result.failure.message}`,
        });
        return;
      case 'FAILURE':
      case 'REJECTED':
        logger.error(result.state === 'FAILURE' ? 'task failed' : 'task rejected', {
          task: message.task,
          taskId: message.id,
          attempts: context.attempt,
          error: `${result.failure.name}: ${result.failure.message}`,
        });
        return;
      default:
        logger.info(`task ${result.state.toLowerCase()}`, { task: message.task, taskId: message.id });
    }
  }
}
