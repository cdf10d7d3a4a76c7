import { reopenFailed } from '../../canvas/failing/reopen-failed.ts';
import type { Clock } from '../../clock.ts';
import type { ResultBackend } from '../../driver/result-backend.ts';
import type { HistoryStore } from '../../history/history-store.ts';
import { replacedId } from '../../message/child-id.ts';
import type { Message } from '../../message/message.ts';
import { isFinal } from '../../message/outcome.ts';
import type { AttemptResult } from '../execution/attempt-result.ts';
import type { Middleware } from './middleware.ts';
import type { StoreBackoff } from './store-backoff.ts';

/** Where outcomes are. */
export interface FinishedStores {
  readonly results: ResultBackend;
  readonly history: HistoryStore | undefined;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * A message that may have run before (redelivered, handed back, or published twice) first asks whether its outcome is stored. If so
 * it is not run again: one outcome is recorded, whatever happens. While the store cannot be asked, the message goes back
 * unspent: running it might be a second run, and failing it would be a lie.
 */
export function createAlreadyFinished({ results, history, clock }: FinishedStores, backoff: StoreBackoff): Middleware {
  /** What was put back by hand runs again, as by `app.failures.retry()`; the result where the store cannot be asked. */
  async function reopen(message: Message): Promise<AttemptResult | undefined> {
    try {
      await reopenFailed(message, { results, now: () => clock.now() });
    } catch (error) {
      return backoff.failed(message, error);
    }
    await history?.removeFailures([message.id]).catch(() => undefined); // it is listed a while longer
    return undefined;
  }

  return {
    name: 'known-outcome',
    applies: ({ delivery, message }) =>
      message.mayRepeat === true || delivery.deliveryCount > 1 || delivery.returned === true,
    async run({ message, delivery }, next) {
      const plan = replacedId(message.id);
      const found = await results.get([message.id, plan]).catch((error: unknown) => backoff.failed(message, error));
      if ('state' in found) return found;
      const [record, replaced] = found;
      if (record === undefined || !isFinal(record)) return replaced ? { state: 'REPLACED' } : next();
      if (delivery.putBack && record.state === 'FAILURE') return (await reopen(message)) ?? next();
      if (replaced) await results.forget([plan]).catch(() => undefined); // laid down again by a run that came too late
      return { state: 'ALREADY_FINISHED', outcome: record };
    },
  };
}
