import type { Clock } from '../../clock.ts';
import { DeadlineExceeded } from '../../errors.ts';
import type { MaybePromise } from '../../options/schema.ts';
import type { Middleware } from './middleware.ts';

/**
 * A call whose caller has stopped waiting is not started: REVOKED, reason `expired`. One that runs learns it by
 * `self.signal`, as on a soft time limit. The deadline is by the broker's clock, `offset` ahead of this machine's.
 */
export function createDeadline(clock: Clock, offset: () => MaybePromise<number>): Middleware {
  return {
    name: 'deadline',
    applies: ({ message }) => message.deadline !== undefined,
    async run({ message, context }, next) {
      const ahead = offset();
      const at = Math.round((message.deadline ?? 0) - (ahead instanceof Promise ? await ahead : ahead));
      const left = at - clock.now();
      if (left <= 0) return { state: 'REVOKED', reason: 'expired' };
      context.setDeadline(at);
      const timer = clock.after(left, () => context.abort(new DeadlineExceeded(message.id)));
      try {
        return await next();
      } finally {
        timer.cancel();
      }
    },
  };
}
