import type { Clock } from '../clock.ts';
import type { RateLimiter } from '../driver/rate-limiter.ts';
import type { ResultBackend } from '../driver/result-backend.ts';
import type { Logger } from '../logger.ts';
import type { Admissions } from '../producer/admissions.ts';
import type { MaybePromise } from '../task/schema.ts';
import type { TaskDefinition } from '../task/task.ts';
import { createAdmission } from './middleware/admission.ts';
import { type ClaimMiddlewareOptions, createQueuedClaims, createRunningClaims } from './middleware/claims.ts';
import { createCrashBudget } from './middleware/crash-budget.ts';
import { createDeadline } from './middleware/deadline.ts';
import { createExpires } from './middleware/expires.ts';
import { createKnownOutcome } from './middleware/known-outcome.ts';
import { createRateLimit } from './middleware/rate-limit.ts';
import { createStampedRevocation } from './middleware/stamped-revocation.ts';
import { createTimeLimits } from './middleware/time-limits.ts';
import { trackStarted } from './middleware/track-started.ts';
import type { Middleware } from './middleware.ts';
import type { StampedRevocations } from './stamped-revocations.ts';
import type { TaskRates } from './task-rates.ts';

/** What the default list needs. */
export interface DefaultMiddlewareOptions {
  readonly clock: Clock;
  /** The broker's clock, as far as it is known. */
  readonly brokerClock: Clock;
  readonly logger: Logger;
  readonly results: ResultBackend | undefined;
  readonly crashBudget: number;
  /** undefined: the broker keeps none. */
  readonly claims: ClaimMiddlewareOptions | undefined;
  readonly limiter: RateLimiter | undefined;
  readonly rates: TaskRates;
  /** Told of each task whose messages wait for its rate limit. */
  readonly onLine: (task: string) => void;
  readonly revocations: StampedRevocations;
  /** How far the broker's clock is ahead, in milliseconds. */
  readonly clockOffset: () => MaybePromise<number>;
  readonly admissions: Admissions;
  /** Whether a task's handler runs in a thread or process. */
  readonly inChild: (definition: TaskDefinition) => boolean;
}

/** The worker's own middleware, outermost first; the user's follow them. Each applies to few attempts: most meet none. */
export function createDefaultMiddleware({
  clock,
  brokerClock,
  logger,
  results,
  crashBudget,
  claims,
  limiter,
  rates,
  onLine,
  revocations,
  clockOffset,
  admissions,
  inChild,
}: DefaultMiddlewareOptions): readonly Middleware[] {
  return [
    createAdmission(admissions, brokerClock),
    ...(claims ? [createRunningClaims(claims)] : []),
    ...(results ? [createKnownOutcome(results)] : []),
    createStampedRevocation(revocations),
    createCrashBudget(crashBudget, clock),
    createExpires(brokerClock),
    createDeadline(clock, clockOffset),
    ...(limiter ? [createRateLimit({ limiter, rates, clock: brokerClock, logger, onLine })] : []),
    ...(claims ? [createQueuedClaims(claims)] : []),
    trackStarted,
    createTimeLimits(clock, inChild),
  ];
}
