import { isFinal, type OutcomeRecord } from '../../../message/outcome.ts';
import { isSweepable, type Retention } from '../../retention.ts';
import type { ExpiringMap } from '../expiring-map.ts';

/** Past so many times the bounds, what is older goes although it is young: a process must not run out of memory. */
const overflow = 5;

interface Ended {
  readonly id: string;
  readonly bytes: number;
  readonly at: number;
}

/** First in, first out. */
class Line {
  #items: (Ended | undefined)[] = [];
  #first = 0;

  get first(): Ended | undefined {
    return this.#items[this.#first];
  }

  get size(): number {
    return this.#items.length - this.#first;
  }

  push(ended: Ended): void {
    this.#items.push(ended);
  }

  shift(): void {
    this.#items[this.#first++] = undefined;
    if (this.#first < 1024 || this.#first * 2 < this.#items.length) return;
    this.#items = this.#items.slice(this.#first); // once the gone are the majority: constant cost each
    this.#first = 0;
  }
}

/**
 * The finished records of a store in the order in which they came, so that the oldest go when there are too many, or they
 * take too much. What a canvas may still need is not among them: it goes with its own time only.
 */
export class EndedRecords {
  readonly #records: ExpiringMap<string>;
  readonly #retention: Retention;
  /** Failures have a bound of their own: many successes do not push the one failure out that somebody looks for. */
  readonly #lines = { results: new Line(), failures: new Line() };
  #bytes = 0;

  constructor(records: ExpiringMap<string>, retention: Retention) {
    this.#records = records;
    this.#retention = retention;
  }

  /** Takes in a record that was just stored. */
  add(record: OutcomeRecord, text: string, now: number): void {
    if (!isFinal(record) || !isSweepable(record)) return;
    const bytes = text.length + record.id.length;
    this.#lines[record.state === 'FAILURE' ? 'failures' : 'results'].push({ id: record.id, bytes, at: now });
    this.#bytes += bytes;
  }

  /** Deletes what is too much, the oldest first. `thorough`: what expired or was forgotten is let go of, too. */
  trim(now: number, thorough: boolean): void {
    for (const name of ['results', 'failures'] as const) {
      const line = this.#lines[name];
      for (let oldest = line.first; oldest; oldest = line.first) {
        const over = Math.max(line.size / this.#retention[name], this.#bytes / this.#retention.bytes);
        const tooMuch = over > 1 && (oldest.at <= now - this.#retention.grace || over > overflow);
        if (!tooMuch && !(thorough && this.#records.get(oldest.id) === undefined)) break;
        if (tooMuch) this.#records.delete(oldest.id);
        this.#bytes -= oldest.bytes;
        line.shift();
      }
    }
  }
}
