import { isFinal, type OutcomeRecord } from '../message/outcome.ts';
import type { ResultListener } from './result-inbox.ts';

/** Turns records into the sequence of progress values that a `for await` reads; ends with the task. */
export class ProgressQueue implements ResultListener {
  #values: unknown[] = [];
  #ended = false;
  #last: string | undefined;
  #newest: Pick<OutcomeRecord, 'attempts' | 'step'> = { attempts: 0 };
  #wake: (() => void) | undefined;

  onRecord(record: OutcomeRecord): void {
    if (this.#isOld(record)) return;
    const text = JSON.stringify(record.progress);
    if (record.progress !== undefined && text !== this.#last) {
      this.#last = text; // the sweep shows the same record again
      this.#values.push(record.progress);
    }
    if (isFinal(record)) this.#ended = true;
    this.#wake?.();
  }

  /** What a look into the store has shown may be newer than notifications that still stand in the socket. */
  #isOld(record: OutcomeRecord): boolean {
    if (this.#ended) return true;
    const { attempts, step = 0 } = record;
    const { attempts: newest, step: last = 0 } = this.#newest;
    if (!isFinal(record) && step > 0 && (attempts < newest || (attempts === newest && step < last))) return true;
    if (step > 0) this.#newest = { attempts, step };
    return false;
  }

  onMissing(): void {
    this.end();
  }

  onClosed(): void {
    this.end();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *drain(): AsyncGenerator<unknown, void, undefined> {
    while (true) {
      const values = this.#values;
      this.#values = [];
      yield* values;
      if (this.#values.length > 0) continue;
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
