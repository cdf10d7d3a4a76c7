import { type Clock, sleep } from '../../clock.ts';
import { WorkerLostError } from '../../errors.ts';
import { toFailure } from '../../message/failure.ts';
import type { Attempt } from '../execution/attempt.ts';
import type { AttemptResult } from '../execution/attempt-result.ts';
import type { Middleware } from './middleware.ts';
import type { StoreBackoff } from './store-backoff.ts';

/** Results after which the message goes back to its queue by a settlement, so that the attempt was no crash. */
const goesBack: ReadonlySet<AttemptResult['state']> = new Set([
  'RETRY',
  'POSTPONED',
  'REQUEUED',
  'CRASHED',
  'RELEASED',
]);

/**
 * Tasks whose worker was lost twice come back together, and one of them kills it: begun a little apart, in milliseconds, the
 * others are done before it begins, or have not begun when it ends the worker, which then is not charged to them.
 */
const longestSpread = 300;

/** What the crash budget needs. */
export interface CrashBudgetOptions {
  readonly clock: Clock;
  readonly backoff: StoreBackoff;
}

/**
 * Bounds crash loops: a task that took more workers down than the budget allows fails, and is parked, instead of killing the
 * next one. What counts is starts. The first lost delivery is taken for one; each later one says itself whether it began, so
 * that messages which are lost on their way to a worker cost nothing. A task with `acksLate: false` has no budget at all:
 * what may have been started once is not started again (at most once).
 */
export function createCrashBudget(budget: number, { clock, backoff }: CrashBudgetOptions): Middleware {
  return {
    name: 'crash-budget',
    // a workflow run counts for itself: what its lost workers had recorded was progress
    applies: ({ definition, delivery, message }) =>
      definition.versions === undefined && (delivery.deliveryCount > 1 || message.crashes !== undefined),
    async run(attempt, next) {
      const repeated = attempt.delivery.deliveryCount > 1;
      const allowed = attempt.definition.options.acksLate ? budget : 0;
      if (attempt.delivery.deliveryCount > 2) await sleep(clock, Math.random() * longestSpread);
      const lost = await countLost(attempt, repeated && allowed > 0);
      if (typeof lost !== 'number') return backoff.failed(attempt.message, lost.error); // what cannot be counted could go on for ever
      if (lost > allowed) return givenUp(attempt, lost, budget);
      const result = await next();
      if (repeated && goesBack.has(result.state)) {
        await attempt.delivery.undoStart?.().catch(() => undefined); // one start too many is counted then
      }
      return result;
    },
  };
}

/** How many workers it has taken down, or why the broker could not be asked. */
async function countLost(
  { delivery, message }: Attempt,
  counted: boolean,
): Promise<number | { readonly error: unknown }> {
  const { crashes = 0 } = message;
  if (!counted) return Math.min(1, delivery.deliveryCount - 1) + crashes;
  if (delivery.recordStart === undefined) return delivery.deliveryCount - 1 + crashes;
  const begun = await delivery.recordStart().catch((error: unknown) => ({ error }));
  return typeof begun === 'number' ? 1 + begun + crashes : begun;
}

function givenUp({ definition, message }: Attempt, lost: number, budget: number): AttemptResult {
  const why = definition.options.acksLate
    ? `its worker was lost ${lost} times (crashBudget ${budget})`
    : 'its worker was lost, and acksLate: false forbids a second start';
  const error = new WorkerLostError(`task "${message.task}" was given up: ${why}`, message.id);
  return { state: 'CRASH_BUDGET_EXCEEDED', failure: toFailure(error) };
}
