import type { Clock } from '../../clock.ts';
import { SoftTimeLimitExceeded, TimeLimitExceeded } from '../../errors.ts';
import { toFailure } from '../../message/failure.ts';
import type { TaskDefinition } from '../../task/task.ts';
import type { Attempt } from '../execution/attempt.ts';
import type { AttemptResult } from '../execution/attempt-result.ts';
import type { LoopWatch } from '../loop/loop-watch.ts';
import type { Middleware, Next } from './middleware.ts';

/** What keeps limits: a clock and, for handlers on the event loop, the thread that sees limits while the loop is blocked. */
export interface LimitTools {
  readonly clock: Clock;
  readonly loop?: Pick<LoopWatch, 'beginLimit' | 'endLimit'> | undefined;
}

/**
 * Soft limit: `self.signal` aborts, and the handler may tidy up. Hard limit: the attempt ends as FAILURE and its slot is
 * free. In the async pool JavaScript cannot be stopped from outside: what the handler still does then has no effect on
 * the task, since its outcome is recorded. `inChild` tells the tasks whose handlers run in threads or processes.
 */
export function createTimeLimits(tools: LimitTools, inChild: (definition: TaskDefinition) => boolean): Middleware {
  return {
    name: 'time-limits',
    // those of a batch begin with its handler, and those in a child when the child is there: see batcher.ts, child-pool.ts
    applies: ({ context, definition, message }) =>
      (context.timeLimit !== undefined || context.softTimeLimit !== undefined) &&
      !inChild(definition) &&
      (definition.batch === undefined || message.canvas?.each === true),
    run: (attempt, next) => limitTime(tools, attempt, next),
  };
}

/** Runs `next` within the limits of the attempt, if it has any. A result that comes after the hard limit counts as none. */
export function limitTime(tools: LimitTools, attempt: Attempt, next: Next): Promise<AttemptResult> {
  const { softTimeLimit: soft, timeLimit: hard } = attempt.context;
  if (soft === undefined && hard === undefined) return next();
  const softTimer = soft === undefined ? undefined : tools.clock.after(soft, () => abortSoftly(attempt, soft));
  return (hard === undefined ? next() : limitHard(tools, { attempt, hard }, next)).finally(() => softTimer?.cancel());
}

function abortSoftly({ context }: Attempt, soft: number): void {
  context.abort(new SoftTimeLimitExceeded(soft, context.id));
}

/** The timer cannot fire while the handler blocks the event loop: then its result is late. */
function limitHard(
  { clock, loop }: LimitTools,
  { attempt, hard }: { readonly attempt: Attempt; readonly hard: number },
  next: Next,
): Promise<AttemptResult> {
  const { context, message } = attempt;
  const endsAt = clock.monotonic() + hard;
  let passed: AttemptResult | undefined;
  const end = (): void => {
    const error = new TimeLimitExceeded(hard, context.id);
    passed = { state: 'FAILURE', failure: toFailure(error) };
    context.interrupt(error, passed);
  };
  return new Promise<AttemptResult>((resolve, reject) => {
    const timer = clock.after(hard, end);
    const slot = loop?.beginLimit(message, hard);
    context.limitSlot = slot;
    const settle = (result: AttemptResult): void => {
      const late = passed === undefined && clock.monotonic() > endsAt;
      if (late && context.resultBeforeStart === undefined) end(); // what was interrupted for another reason keeps its result
      resolve(passed ?? result);
    };
    next()
      .then(settle, reject)
      .finally(() => {
        timer.cancel();
        loop?.endLimit(slot);
      });
  });
}
