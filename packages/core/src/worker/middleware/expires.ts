import type { Clock } from '../../clock.ts';
import type { Middleware } from './middleware.ts';

/** A message past its `expires` is not run: REVOKED, reason `expired` (as in Celery). */
export function createExpires(clock: Clock): Middleware {
  return {
    name: 'expires',
    applies: ({ message }) => message.expires !== undefined && message.expires < clock.now(),
    run: async () => ({ state: 'REVOKED', reason: 'expired' }),
  };
}
