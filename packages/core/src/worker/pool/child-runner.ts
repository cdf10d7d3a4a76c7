import type { Lovage } from '../../app/app.ts';
import { runtimeOf } from '../../app/app-runtime.ts';
import { systemClock } from '../../clock.ts';
import type { Delivery } from '../../driver/broker.ts';
import type { LogFields, Logger } from '../../logger.ts';
import { toFailure } from '../../task/failure.ts';
import type { OutcomeRecord } from '../../task/outcome.ts';
import type { Attempt } from '../attempt.ts';
import { AttemptContext } from '../attempt-context.ts';
import type { AttemptResult } from '../attempt-result.ts';
import { runHandler } from '../run-handler.ts';
import { TaskLimits } from '../task-limits.ts';
import { resultOfThrown } from '../thrown.ts';
import { abortReason, type ChildSetup, type FromChild, type ToChild } from './child-message.ts';

/** Runs handlers in a child: what a worker's executor does inside, with states and log lines sent to the worker. */
export function createChildRunner(
  app: Lovage,
  setup: ChildSetup,
  post: (message: FromChild) => void,
): (message: ToChild) => void {
  const { registry, canvas } = runtimeOf(app);
  const states = new ChildStates(post);
  const logger = createChildLogger(post);
  const limits = {
    maxPayload: { bytes: setup.maxPayload, option: 'maxPayload' },
    maxResult: { bytes: setup.maxResult, option: 'maxResult' },
  };
  const tools = {
    clock: systemClock,
    logger,
    worker: setup.worker,
    states,
    limits: new TaskLimits(),
    canvas,
    onProgress: () => {},
    ...limits,
  };
  let current: AttemptContext | undefined;

  const run = async (delivery: Delivery, { ahead, deadline, fence }: Terms): Promise<AttemptResult> => {
    const definition = registry.get(delivery.message.task);
    if (definition?.handler === undefined) return missing(delivery.message.task);
    current = new AttemptContext(definition, delivery, tools);
    if (deadline !== undefined) current.setDeadline(deadline);
    current.fence = fence;
    const attempt: Attempt = { definition, message: delivery.message, delivery, context: current };
    try {
      return await runHandler(attempt, limits.maxResult);
    } catch (error) {
      const clock = { ...systemClock, now: () => systemClock.now() + ahead };
      return resultOfThrown(attempt, error, { clock, random: Math.random, maxPayload: limits.maxPayload });
    }
  };

  return (message) => {
    if (message.type === 'stored') return states.stored(message.sequence);
    if (message.type === 'abort') return current?.abort(abortReason(message.name, current.id));
    const { queue } = message.message;
    const delivery: Delivery = {
      message: message.message,
      queue,
      deliveryCount: message.deliveryCount,
      onLeaseLost: () => {},
      onSettled: () => {},
      recordStart: async () => 0, // the worker counts starts
      undoStart: async () => {},
    };
    void run(delivery, message).then((result) => post({ type: 'result', result, memory: process.memoryUsage.rss() }));
  };
}

/** What the worker knows of an attempt beyond its delivery. */
type Terms = Pick<Extract<ToChild, { type: 'run' }>, 'ahead' | 'deadline' | 'fence'>;

function missing(task: string): AttemptResult {
  const error = new Error(
    `the app in the pool's child has no task "${task}": it must be defined when its module is loaded`,
  );
  return { state: 'FAILURE', failure: toFailure(error) };
}

/** States go to the worker, which stores them, and says so. */
class ChildStates {
  readonly #post: (message: FromChild) => void;
  readonly #waiting = new Map<number, () => void>();
  #sequence = 0;

  constructor(post: (message: FromChild) => void) {
    this.#post = post;
  }

  write(_message: unknown, record: OutcomeRecord): Promise<void> {
    const sequence = ++this.#sequence;
    this.#post({ type: 'state', sequence, record });
    return new Promise((resolve) => this.#waiting.set(sequence, resolve));
  }

  stored(sequence: number): void {
    this.#waiting.get(sequence)?.();
    this.#waiting.delete(sequence);
  }
}

function createChildLogger(post: (message: FromChild) => void, fields: LogFields = {}): Logger {
  const line = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, more?: LogFields) =>
    post({ type: 'log', level, message, fields: JSON.parse(JSON.stringify({ ...fields, ...more })) as LogFields });
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: (more) => createChildLogger(post, { ...fields, ...more }),
  };
}
