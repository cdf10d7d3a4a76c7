import type { StampedRevocations } from '../control/stamped-revocations.ts';
import type { Middleware } from './middleware.ts';

/** A message that carries a revoked stamp or header is not run: REVOKED, and what depends on it in its canvas ends too. */
export function createStampedRevocation(revocations: StampedRevocations): Middleware {
  return {
    name: 'stamped-revocation',
    applies: ({ message }) => revocations.hasRules && revocations.covers(message),
    run: async () => ({ state: 'REVOKED', reason: 'revoked' }),
  };
}
