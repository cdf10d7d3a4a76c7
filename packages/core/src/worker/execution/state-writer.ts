import type { ResultBackend } from '../../driver/result-backend.ts';
import type { Logger } from '../../logger.ts';
import type { Message } from '../../message/message.ts';
import type { OutcomeRecord, OutcomeWrite } from '../../message/outcome.ts';

/** Takes the states that come before an outcome. */
export interface StateRecorder {
  /** Resolves when the state, or a newer one of the same task, is stored. Never rejects. */
  write(message: Message, record: OutcomeRecord): Promise<void>;
}

/**
 * Writes the states that come before an outcome (STARTED, RETRY, progress). They are news, not truth: a failure to store
 * one is logged and never touches the task. While a write is under way for a task, only the newest of its states waits.
 */
export class StateWriter implements StateRecorder {
  readonly #results: ResultBackend | undefined;
  readonly #logger: Logger;
  readonly #ttlOf: (message: Message) => number;
  readonly #waiting = new Map<string, { write: OutcomeWrite; readonly done: Promise<void> }>();
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(results: ResultBackend | undefined, logger: Logger, ttlOf: (message: Message) => number) {
    this.#results = results;
    this.#logger = logger;
    this.#ttlOf = ttlOf;
  }

  /** Resolves when this state, or a newer one of the same task, is stored. Never rejects. */
  write(message: Message, record: OutcomeRecord): Promise<void> {
    if (this.#results === undefined || message.ignoreResult) return Promise.resolve();
    const write: OutcomeWrite = {
      record,
      ttl: this.#ttlOf(message),
      ...(message.replyTo ? { replyTo: message.replyTo } : {}),
    };
    const waiting = this.#waiting.get(record.id); // first: one may still wait when the write before it has ended
    if (waiting) {
      waiting.write = write;
      return waiting.done;
    }
    const before = this.#underWay.get(record.id);
    if (before === undefined) return this.#store(write);
    const entry: { write: OutcomeWrite; readonly done: Promise<void> } = {
      write,
      done: before.then(() => {
        this.#waiting.delete(record.id);
        return this.#store(entry.write);
      }),
    };
    this.#waiting.set(record.id, entry);
    return entry.done;
  }

  #store(write: OutcomeWrite): Promise<void> {
    const { id } = write.record;
    const done = (this.#results as ResultBackend)
      .put([write])
      .then(
        () => undefined,
        (error: unknown) =>
          this.#logger.warn('could not store a state', { taskId: id, state: write.record.state, error }),
      )
      .finally(() => {
        if (this.#underWay.get(id) === done) this.#underWay.delete(id);
      });
    this.#underWay.set(id, done);
    return done;
  }
}
