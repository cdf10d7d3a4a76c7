import type { Clock } from '../../clock.ts';
import type { RateLimiter } from '../../driver/rate-limiter.ts';
import type { ResultBackend } from '../../driver/result-backend.ts';
import type { ConcurrencyLimiter } from '../../flow/concurrency-limiter.ts';
import type { HistoryStore } from '../../history/history-store.ts';
import type { Logger } from '../../logger.ts';
import type { MaybePromise } from '../../options/schema.ts';
import type { TaskDefinition } from '../../task/task.ts';
import type { StampedRevocations } from '../control/stamped-revocations.ts';
import type { LoopWatch } from '../loop/loop-watch.ts';
import { createAlreadyFinished } from './already-finished.ts';
import { createConcurrencyLimit } from './concurrency-limit.ts';
import { createCrashBudget } from './crash-budget.ts';
import { createDeadline } from './deadline.ts';
import { createExpires } from './expires.ts';
import type { Middleware } from './middleware.ts';
import { createRateLimit, type TaskRates } from './rate-limit.ts';
import { createStampedRevocation } from './stamped-revocation.ts';
import { StoreBackoff } from './store-backoff.ts';
import { createTimeLimits } from './time-limits.ts';
import { trackStarted } from './track-started.ts';
import { createQueuedUniqueKeys, createRunningUniqueKeys, type UniqueKeyMiddlewareOptions } from './unique-keys.ts';

/** What the default list needs. */
export interface DefaultMiddlewareOptions {
  readonly clock: Clock;
  /** The broker's clock, as far as it is known. */
  readonly brokerClock: Clock;
  readonly logger: Logger;
  readonly results: ResultBackend | undefined;
  readonly history: HistoryStore | undefined;
  readonly crashBudget: number;
  /** undefined: the broker keeps none. */
  readonly uniqueKeys: UniqueKeyMiddlewareOptions | undefined;
  readonly limiter: RateLimiter | undefined;
  readonly rates: TaskRates;
  /** Told of each task whose messages wait for its rate limit. */
  readonly onLine: (task: string) => void;
  readonly revocations: StampedRevocations;
  /** How far the broker's clock is ahead, in milliseconds. */
  readonly clockOffset: () => MaybePromise<number>;
  readonly concurrencyLimiter: ConcurrencyLimiter;
  readonly loop: Pick<LoopWatch, 'beginLimit' | 'endLimit'>;
  /** Whether a task's handler runs in a thread or process. */
  readonly inChild: (definition: TaskDefinition) => boolean;
}

/** The worker's own middleware, outermost first; the user's follow them. Each applies to few attempts: most meet none. */
export function createDefaultMiddleware({
  clock,
  brokerClock,
  logger,
  results,
  history,
  crashBudget,
  uniqueKeys,
  limiter,
  rates,
  onLine,
  revocations,
  clockOffset,
  concurrencyLimiter,
  loop,
  inChild,
}: DefaultMiddlewareOptions): readonly Middleware[] {
  const backoff = (what: string): StoreBackoff => new StoreBackoff({ clock: brokerClock, logger, what });
  return [
    createConcurrencyLimit(concurrencyLimiter, {
      clock: brokerClock,
      backoff: backoff('ask for a place of a concurrency key, ordering key or fair share'),
    }),
    ...(uniqueKeys ? [createRunningUniqueKeys(uniqueKeys)] : []),
    ...(results
      ? [
          createAlreadyFinished(
            { results, history, clock: brokerClock },
            backoff('ask whether a task that was delivered again has ended'),
          ),
        ]
      : []),
    createStampedRevocation(revocations),
    createCrashBudget(crashBudget, { clock, backoff: backoff('count the starts of a task whose worker was lost') }),
    createExpires(brokerClock, results),
    createDeadline(clock, clockOffset),
    ...(limiter ? [createRateLimit({ limiter, rates, clock: brokerClock, logger, onLine })] : []),
    ...(uniqueKeys ? [createQueuedUniqueKeys(uniqueKeys)] : []),
    trackStarted,
    createTimeLimits({ clock, loop }, inChild),
  ];
}
