import type { Clock } from '../../clock.ts';
import type { RateLimiter } from '../../driver/rate-limiter.ts';
import type { Middleware } from '../middleware.ts';
import type { TaskRates } from '../task-rates.ts';

/**
 * Global rate limits. A limited task takes its moment once; if that is not now, it waits for it in the broker and runs
 * then without asking again, so a backlog of any length costs two deliveries a task and holds no slot. A retry takes a
 * moment of its own.
 */
export function createRateLimit(limiter: RateLimiter, rates: TaskRates, clock: Clock): Middleware {
  return {
    name: 'rate-limit',
    applies: ({ definition, message }) => message.limitedUntil === undefined && rates.of(definition) !== undefined,
    async run(attempt, next) {
      const rate = rates.of(attempt.definition);
      if (rate === undefined) return next();
      const wait = await limiter.reserve(attempt.message.task, rate.period / rate.count);
      if (wait <= 0) return next();
      const at = clock.now() + wait;
      return { state: 'LIMITED', message: { ...attempt.message, limitedUntil: at }, at };
    },
  };
}
