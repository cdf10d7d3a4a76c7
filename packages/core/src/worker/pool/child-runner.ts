import type { Lovage } from '../../app/app.ts';
import { runtimeOf } from '../../app/app-runtime.ts';
import { systemClock } from '../../clock.ts';
import type { Delivery } from '../../driver/broker.ts';
import type { LogFields, Logger } from '../../logger.ts';
import { type Failure, toFailure } from '../../message/failure.ts';
import { jsonSafe } from '../../message/json-safe.ts';
import type { OutcomeRecord } from '../../message/outcome.ts';
import type { Attempt } from '../execution/attempt.ts';
import { AttemptContext } from '../execution/attempt-context.ts';
import type { AttemptResult } from '../execution/attempt-result.ts';
import { classifyError } from '../execution/classify-error.ts';
import { runHandler } from '../execution/run-handler.ts';
import { notSerializable } from '../execution/settle.ts';
import { TaskLimits } from '../middleware/task-limits.ts';
import { abortReason, type ChildSetup, type FromChild, type ToChild } from './child-message.ts';

/** Runs handlers in a child: what a worker's executor does inside, with states and log lines sent to the worker. */
export function createChildRunner(
  app: Lovage,
  setup: ChildSetup,
  post: (message: FromChild) => void,
): (message: ToChild) => void {
  const { registry, canvas, plugins, settings } = runtimeOf(app);
  const states = new ChildStates(post);
  const logger = createChildLogger(post);
  const sizes = {
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
    prefix: settings.prefix,
    onProgress: () => {},
    ...sizes,
  };
  let current: AttemptContext | undefined;

  const run = async (delivery: Delivery, { ahead, limits, deadline, fence }: Terms): Promise<AttemptResult> => {
    const definition = registry.get(delivery.message.task);
    if (definition?.handler === undefined) return missing(delivery.message.task);
    tools.limits.set(definition.name, limits);
    current = new AttemptContext(definition, delivery, tools);
    if (deadline !== undefined) current.setDeadline(deadline);
    current.fence = fence;
    const attempt: Attempt = { definition, message: delivery.message, delivery, context: current };
    try {
      return await runHandler(attempt, { ...sizes, plugins });
    } catch (error) {
      const clock = { ...systemClock, now: () => systemClock.now() + ahead };
      return classifyError(attempt, error, { clock, random: Math.random, maxPayload: sizes.maxPayload });
    }
  };

  return (message) => {
    if (message.type === 'stored') return states.stored(message.sequence);
    if (message.type === 'abort') return current?.abort(abortReason(message.name, current));
    const end = (result: AttemptResult): void =>
      post({ type: 'result', text: toText(result), memory: process.memoryUsage.rss() });
    run(toDelivery(message), message).then(
      end,
      (error: unknown) => end({ state: 'FAILURE', failure: toFailure(error) }), // a fault of ours must not hold the slot for ever
    );
  };
}

/** Never throws: a value that changes between two looks may still be none that JSON can carry. */
function toText(result: AttemptResult): string {
  try {
    return JSON.stringify(result);
  } catch (error) {
    const failed: AttemptResult = { state: 'FAILURE', failure: toFailure(notSerializable(error)) };
    return JSON.stringify(failed);
  }
}

/** The delivery itself is the worker's, who counts starts, too. */
function toDelivery({ message, deliveryCount }: Extract<ToChild, { type: 'run' }>): Delivery {
  return {
    message,
    queue: message.queue,
    deliveryCount,
    onLeaseLost: () => {},
    onSettled: () => {},
  };
}

/** What the worker knows of an attempt beyond its delivery. */
type Terms = Pick<Extract<ToChild, { type: 'run' }>, 'ahead' | 'limits' | 'deadline' | 'fence'>;

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

/** A logger whose lines the worker writes. */
export function createChildLogger(post: (message: FromChild) => void, fields: LogFields = {}): Logger {
  const line = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, more?: LogFields) =>
    post({ type: 'log', level, message, ...asData({ ...fields, ...more }) });
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: (more) => createChildLogger(post, { ...fields, ...more }),
  };
}

/** Fields of a log line as they can be sent. Never throws, whatever a handler logs. */
function asData(fields: LogFields): Pick<Extract<FromChild, { type: 'log' }>, 'fields' | 'errors'> {
  const plain: Record<string, unknown> = {};
  const errors: Record<string, Failure> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Error) errors[name] = toFailure(value);
    else plain[name] = plainOf(value);
  }
  return { fields: plain, errors };
}

function plainOf(value: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(value));
  } catch {
    return jsonSafe(value); // a bigint, a cycle, a getter that throws
  }
}
