import type { Clock } from '../../clock.ts';
import { SoftTimeLimitExceeded, TimeLimitExceeded } from '../../errors.ts';
import { toFailure } from '../../message/failure.ts';
import type { TaskDefinition } from '../../task/task.ts';
import type { AttemptContext } from '../execution/attempt-context.ts';
import type { AttemptResult } from '../execution/attempt-result.ts';
import type { Middleware, Next } from './middleware.ts';

/**
 * Soft limit: `self.signal` aborts, and the handler may tidy up. Hard limit: the attempt ends as FAILURE and its slot is
 * free. In the async pool JavaScript cannot be stopped from outside: what the handler still does then has no effect on
 * the task, since its outcome is recorded. `inChild` tells the tasks whose handlers run in threads or processes.
 */
export function createTimeLimits(clock: Clock, inChild: (definition: TaskDefinition) => boolean): Middleware {
  return {
    name: 'time-limits',
    // those of a batch begin with its handler, and those in a child when the child is there: see batcher.ts, child-pool.ts
    applies: ({ context, definition, message }) =>
      hasLimits(context) && !inChild(definition) && (definition.batch === undefined || message.canvas?.each === true),
    run: ({ context }, next) => limitTime(clock, context, next),
  };
}

function hasLimits({ timeLimit, softTimeLimit }: AttemptContext): boolean {
  return timeLimit !== undefined || softTimeLimit !== undefined;
}

/** Runs `next` within the limits of the attempt, if it has any. */
export function limitTime(clock: Clock, context: AttemptContext, next: Next): Promise<AttemptResult> {
  const { softTimeLimit: soft, timeLimit: hard, id } = context;
  if (!hasLimits(context)) return next();
  return new Promise<AttemptResult>((resolve, reject) => {
    const softTimer =
      soft === undefined ? undefined : clock.after(soft, () => context.abort(new SoftTimeLimitExceeded(soft, id)));
    const hardTimer =
      hard === undefined
        ? undefined
        : clock.after(hard, () => {
            const error = new TimeLimitExceeded(hard, id);
            context.interrupt(error, { state: 'FAILURE', failure: toFailure(error) });
          });
    next()
      .then(resolve, reject)
      .finally(() => {
        softTimer?.cancel();
        hardTimer?.cancel();
      });
  });
}
