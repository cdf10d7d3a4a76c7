import type { ResultBackend } from '../../driver/result-backend.ts';
import { replacedId } from '../../message/child-id.ts';
import { isFinal } from '../../message/outcome.ts';
import type { Middleware } from './middleware.ts';
import type { StoreBackoff } from './store-backoff.ts';

/**
 * A message that may have run before (redelivered, handed back, or published twice) first asks whether its outcome is stored. If so
 * it is not run again: one outcome is recorded, whatever happens. While the store cannot be asked, the message goes back
 * unspent: running it might be a second run, and failing it would be a lie.
 */
export function createAlreadyFinished(results: ResultBackend, backoff: StoreBackoff): Middleware {
  return {
    name: 'known-outcome',
    applies: ({ delivery, message }) =>
      message.mayRepeat === true || delivery.deliveryCount > 1 || delivery.returned === true,
    async run({ message }, next) {
      const plan = replacedId(message.id);
      const found = await results.get([message.id, plan]).catch((error: unknown) => backoff.failed(message, error));
      if ('state' in found) return found;
      const [record, replaced] = found;
      if (record === undefined || !isFinal(record)) return replaced ? { state: 'REPLACED' } : next();
      if (replaced) await results.forget([plan]).catch(() => undefined); // laid down again by a run that came too late
      return { state: 'ALREADY_FINISHED', outcome: record };
    },
  };
}
