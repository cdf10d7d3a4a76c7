import { isFinal, type OutcomeRecord } from '../message/outcome.ts';
import type { ResultListener } from './result-inbox.ts';

/** Turns records into the sequence of progress values that a `for await` reads; ends with the task. */
export class ProgressQueue implements ResultListener {
  #values: unknown[] = [];
  #ended = false;
  #last: string | undefined;
  #wake: (() => void) | undefined;

  onRecord(record: OutcomeRecord): void {
    const text = JSON.stringify(record.progress);
    if (record.progress !== undefined && text !== this.#last) {
      this.#last = text; // the sweep shows the same record again
      this.#values.push(record.progress);
    }
    if (isFinal(record)) this.#ended = true;
    this.#wake?.();
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
