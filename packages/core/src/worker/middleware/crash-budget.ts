import { WorkerLostError } from '../../errors.ts';
import { toFailure } from '../../task/failure.ts';
import type { Middleware } from '../middleware.ts';

/**
 * Bounds crash loops: a task whose worker was lost more often than the budget fails instead of killing the next one. A
 * task with `acksLate: false` has no budget at all: what was started once is not started again (at most once).
 */
export function createCrashBudget(budget: number): Middleware {
  return {
    name: 'crash-budget',
    applies: ({ delivery, message }) => delivery.deliveryCount > 1 || message.crashes !== undefined,
    async run({ definition, delivery, message }, next) {
      const allowed = definition.options.acksLate ? budget : 0;
      const lost = delivery.deliveryCount - 1 + (message.crashes ?? 0);
      if (lost <= allowed) return next();
      const why = definition.options.acksLate
        ? `its worker was lost ${lost} times (crashBudget ${budget})`
        : 'its worker was lost, and acksLate: false forbids a second start';
      return {
        state: 'FAILURE',
        failure: toFailure(new WorkerLostError(`task "${message.task}" was given up: ${why}`, message.id)),
      };
    },
  };
}
