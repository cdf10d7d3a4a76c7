import type { Clock } from '../../clock.ts';
import type { RateLimiter } from '../../driver/rate-limiter.ts';
import type { Logger } from '../../logger.ts';
import type { Middleware } from '../middleware.ts';
import type { TaskRates } from '../task-rates.ts';

/** How long a task waits before it asks again for a moment that it could not get, in milliseconds. */
const storePause = 1_000;

/** What {@link createRateLimit} needs. */
export interface RateLimitOptions {
  readonly limiter: RateLimiter;
  readonly rates: TaskRates;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Global rate limits. A limited task takes its moment once; if that is not now, it waits for it in the broker and runs
 * then without asking again, so a backlog of any length costs two deliveries a task and holds no slot. A retry takes a
 * moment of its own. While nobody can say when its moment is, it waits in the broker too: it has not failed.
 */
export function createRateLimit({ limiter, rates, clock, logger }: RateLimitOptions): Middleware {
  return {
    name: 'rate-limit',
    applies: ({ definition, message }) => message.limitedUntil === undefined && rates.of(definition) !== undefined,
    async run(attempt, next) {
      const rate = rates.of(attempt.definition);
      if (rate === undefined) return next();
      const { message } = attempt;
      const wait = await limiter.reserve(message.task, rate.period / rate.count).catch((error: unknown) => {
        logger.warn('the rate limit could not be asked, trying again', { taskId: message.id, error, inMs: storePause });
      });
      if (wait === undefined) return { state: 'LIMITED', message, at: clock.now() + storePause };
      if (wait <= 0) return next();
      const at = clock.now() + wait;
      return { state: 'LIMITED', message: { ...message, limitedUntil: at }, at };
    },
  };
}
