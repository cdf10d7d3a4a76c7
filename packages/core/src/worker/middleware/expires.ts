import type { Clock } from '../../clock.ts';
import type { ResultBackend } from '../../driver/result-backend.ts';
import type { Failure } from '../../message/failure.ts';
import type { Message } from '../../message/message.ts';
import type { Middleware } from './middleware.ts';

/**
 * A message past its `expires` is not run: REVOKED, reason `expired` (as in Celery). One that waited for a retry keeps the error of its
 * last attempt as the cause.
 */
export function createExpires(clock: Clock, results: ResultBackend | undefined): Middleware {
  return {
    name: 'expires',
    applies: ({ message }) => message.expires !== undefined && message.expires < clock.now(),
    run: async ({ message }) => {
      const failure = await lastFailure(message, results);
      return { state: 'REVOKED', reason: 'expired', ...(failure ? { failure } : {}) };
    },
  };
}

/** The record of a retry has the error that asked for it; a store that cannot be asked costs the cause alone. */
async function lastFailure({ id, retries }: Message, results: ResultBackend | undefined): Promise<Failure | undefined> {
  if (retries === 0 || results === undefined) return undefined;
  const [record] = await results.get([id]).catch(() => []);
  return record?.failure;
}
