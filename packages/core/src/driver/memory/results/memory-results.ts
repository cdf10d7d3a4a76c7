import type { Logger } from '../../../logger.ts';
import { decodeRecord, type OutcomeRecord, type OutcomeWrite } from '../../../message/outcome.ts';
import type { JoinMember, JoinState, ResultBackend, ResultNotification, Subscription } from '../../result-backend.ts';
import { SubscriptionSet } from '../subscription-set.ts';
import type { MemoryRecords } from './memory-records.ts';

/** The result store, as one connection sees it. */
export class MemoryResults implements ResultBackend {
  readonly #records: MemoryRecords;
  readonly #subscriptions: SubscriptionSet;

  constructor(records: MemoryRecords, logger: Logger) {
    this.#records = records;
    this.#subscriptions = new SubscriptionSet('the result backend', logger);
  }

  async put(writes: readonly OutcomeWrite[]): Promise<readonly boolean[]> {
    this.#subscriptions.assertOpen();
    return this.#records.put(writes);
  }

  async get(ids: readonly string[]): Promise<readonly (OutcomeRecord | undefined)[]> {
    this.#subscriptions.assertOpen();
    return ids.map((id) => this.#records.get(id));
  }

  async watch(inbox: string, listener: (notification: ResultNotification) => void): Promise<Subscription> {
    return this.#subscriptions.add((guard) =>
      this.#records.inboxes.listen(inbox, (text) =>
        guard(() => {
          const record = decodeRecord(text);
          if (record) listener({ id: record.id, record });
        }),
      ),
    );
  }

  async join(member: JoinMember): Promise<JoinState> {
    this.#subscriptions.assertOpen();
    return this.#records.join(member);
  }

  async reopen(writes: readonly OutcomeWrite[]): Promise<readonly boolean[]> {
    this.#subscriptions.assertOpen();
    return writes.map((write) => this.#records.reopen(write));
  }

  async forget(ids: readonly string[]): Promise<void> {
    this.#subscriptions.assertOpen();
    for (const id of ids) this.#records.forget(id);
  }

  async close(): Promise<void> {
    this.#subscriptions.close();
  }
}
