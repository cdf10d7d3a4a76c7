import type { Clock } from '../../clock.ts';
import type { RateLimiter, RatePlace } from '../../driver/rate-limiter.ts';
import type { Logger } from '../../logger.ts';
import type { Message } from '../../message/message.ts';
import { intervalOf, type Rate } from '../../options/duration.ts';
import { untilOf } from '../../producer/rate-lines.ts';
import type { TaskDefinition } from '../../task/task.ts';
import type { AttemptResult } from '../execution/attempt-result.ts';
import type { Middleware } from './middleware.ts';

/** How long a task waits before it asks again when the store did not answer, in milliseconds. */
const storePause = 1_000;

/** What {@link createRateLimit} needs. */
export interface RateLimitOptions {
  readonly limiter: RateLimiter;
  readonly rates: TaskRates;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told of each task that messages wait for. */
  readonly onLine: (task: string) => void;
}

/**
 * Global rate limits. A message that may not start yet waits in the broker, in the line of its task, and is woken when its
 * moment has come; it then asks again, so a backlog of any length costs two deliveries a task and holds no slot. A retry
 * asks anew. While the store does not answer it waits in the broker too: it has not failed.
 */
export function createRateLimit({ limiter, rates, clock, logger, onLine }: RateLimitOptions): Middleware {
  const leave = async ({ task, queue, id }: Message): Promise<void> =>
    limiter
      .drop(task, 0, [{ queue, id }])
      .catch((error: unknown) =>
        logger.debug('could not leave the waiting list of a rate limit', { taskId: id, error }),
      );
  return {
    name: 'rate-limit',
    applies: ({ definition, message }) =>
      message.limitedUntil === undefined &&
      (message.rateLine !== undefined ||
        (rates.changed.size === 0 ? definition.options.rateLimit : rates.of(definition)) !== undefined),
    async run(attempt, next) {
      const { message } = attempt;
      const rate = rates.of(attempt.definition);
      if (rate === undefined) {
        void leave(message).finally(() => onLine(message.task));
        return next();
      }
      const { task, queue, id, priority, rateLine } = message;
      const candidates = [{ queue, id, priority, order: rateLine?.order }];
      const reply = await limiter
        .enter(task, { interval: intervalOf(rate), candidates, publishing: false })
        .catch((error: unknown) => {
          logger.warn('the rate limiter did not answer, trying again', { taskId: id, error, inMs: storePause });
        });
      if (reply === undefined) return { state: 'POSTPONED', message, at: clock.now() + storePause };
      if (reply.waiting > 0) onLine(task);
      const [place] = reply.places as readonly [RatePlace];
      return place.free ? next() : waiting(message, place, clock.now());
    },
  };
}

function waiting(message: Message, place: RatePlace, now: number): AttemptResult {
  const at = untilOf(message, place, now);
  return { state: 'POSTPONED', message: { ...message, rateLine: { order: place.order } }, at };
}

/** Rate limits by task: the task's own, or what `control rate-limit` set since. */
export class TaskRates {
  /** Those that were set since; nearly always none. */
  readonly changed: Map<string, Rate | undefined> = new Map();

  /** Told of each task whose limit was changed. */
  onChange: (task: string) => void = () => {};

  /** undefined lifts the limit. */
  set(task: string, rate: Rate | undefined): void {
    this.changed.set(task, rate);
    this.onChange(task);
  }

  of({ name, options }: TaskDefinition): Rate | undefined {
    return this.changed.has(name) ? this.changed.get(name) : options.rateLimit;
  }
}
