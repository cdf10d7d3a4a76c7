import type {
  JoinMember,
  JoinState,
  ResultBackend,
  ResultNotification,
  Subscription,
} from '../driver/result-backend.ts';
import type { Failure } from '../message/failure.ts';
import { isFinal, malformedField, type OutcomeRecord, type OutcomeWrite } from '../message/outcome.ts';
import { failureOf } from './message-seal.ts';
import { type SealContext, type Sealer, stable } from './sealer.ts';

/** What readers of sealed records see of errors in the store: enough for a broker to tell that the task failed. */
const hidden = '(sealed)';

/** The records of tasks, sealed and opened. */
export class RecordSeal {
  readonly #sealer: Sealer;

  constructor(sealer: Sealer) {
    this.#sealer = sealer;
  }

  /** Throws {@link SignatureError} where the key of this process may not say it. */
  seal(write: OutcomeWrite): OutcomeWrite {
    const { record, ttl, valueText, ...rest } = write;
    const { value, failure, reason, meta, progress, plan, list, each, added, ...open } = record;
    const given = { failure, reason, meta, progress, plan, list, each, added };
    const text =
      valueText === undefined ? JSON.stringify({ value, ...given }) : withValue(JSON.stringify(given), valueText);
    const sealed: OutcomeRecord = {
      ...open,
      ...(failure ? { failure: { name: failure.name, message: hidden } } : {}),
      seal: this.#sealer.seal(text, { ...contextOf(record), subject: { kind: 'result', task: record.task } }),
    };
    return { ...rest, record: sealed, ttl: isFinal(record) ? Math.max(ttl, this.#sealer.signing?.maxAge ?? 0) : ttl };
  }

  /** Never throws: a record that cannot be opened is a FAILURE that says so. */
  open(record: OutcomeRecord): OutcomeRecord {
    const { seal, failure, ...rest } = record;
    const { signing } = this.#sealer;
    const context = contextOf(record);
    try {
      if (seal === undefined) {
        if (signing?.strict) this.#sealer.open('', context, true);
        return record;
      }
      const { text } = this.#sealer.open(seal, context, signing?.strict === true);
      const said: Partial<OutcomeRecord> = JSON.parse(text);
      const opened: OutcomeRecord = { ...rest, ...said };
      const field = malformedField(opened);
      if (field === undefined) return opened;
      throw new Error(`its field "${field}" is not what Lovage writes`);
    } catch (error) {
      const { id, task, attempts = 0, at = 0 } = record;
      return { id, task, state: 'FAILURE', failure: failureOf(error), attempts, at };
    }
  }

  /** Why a message is parked, for the store. */
  reason(failure: Failure): Failure {
    const { name, message } = failure;
    if (!this.#sealer.cipher || name === 'SignatureError' || name === 'DecryptionError') return failure;
    return { name, message: this.#sealer.cipher.encrypt(message, reasonBound, { kind: 'message' }).join(':') };
  }

  /** That reason, for people. */
  openReason(message: string): string {
    const [, key, text] = /^([\w.-]+):([A-Za-z0-9+/=]{38,})$/.exec(message) ?? [];
    if (key === undefined || text === undefined || !this.#sealer.cipher) return message;
    try {
      return this.#sealer.cipher.decrypt(key, text, reasonBound, 'the reason');
    } catch {
      return hidden;
    }
  }
}

const reasonBound = 'dead letter';

/** `{"value":…` before the other fields. */
function withValue(fields: string, value: string): string {
  return fields === '{}' ? `{"value":${value}}` : `{"value":${value},${fields.slice(1)}`;
}

function contextOf(record: OutcomeRecord): Omit<SealContext, 'subject'> {
  const { id, task, state, attempts, at, step, worker, rootId, parentId, canvas } = record;
  const place = [step, worker, rootId, parentId].map((field) => field ?? null);
  return {
    bound: JSON.stringify(['result', id, task, state, attempts, at, ...place, canvas ? stable(canvas) : null]),
    what: `the result of ${id}`,
    use: state === 'SUCCESS' ? 'work' : 'any',
  };
}

/** A result backend whose records are sealed. */
export class SealedResults implements ResultBackend {
  readonly reopen?: NonNullable<ResultBackend['reopen']>;
  readonly #inner: ResultBackend;
  readonly #records: RecordSeal;

  constructor(inner: ResultBackend, records: RecordSeal) {
    this.#inner = inner;
    this.#records = records;
    const { reopen } = inner;
    if (reopen)
      this.reopen = async (writes) =>
        reopen.call(
          inner,
          writes.map((write) => records.seal(write)),
        );
  }

  async put(writes: readonly OutcomeWrite[]): Promise<readonly boolean[]> {
    return this.#inner.put(writes.map((write) => this.#records.seal(write)));
  }

  async get(ids: readonly string[]): Promise<readonly (OutcomeRecord | undefined)[]> {
    return (await this.#inner.get(ids)).map((record) => record && this.#records.open(record));
  }

  watch(
    inbox: string,
    listener: (notification: ResultNotification) => void,
    wants?: (id: string) => boolean,
  ): Promise<Subscription> {
    const hear = ({ id, record }: ResultNotification): void =>
      listener(record ? { id, record: this.#records.open(record) } : { id });
    return this.#inner.watch(inbox, hear, wants);
  }

  join(member: JoinMember): Promise<JoinState> {
    const { outcome } = member;
    return this.#inner.join(outcome ? { ...member, outcome: this.#records.seal(outcome) } : member);
  }

  forget(ids: readonly string[]): Promise<void> {
    return this.#inner.forget(ids);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
