import type { OutcomeRow } from './outcome-columns.ts';

/** Stores rows of different ids, in one step of the store; of each, whether it stands now. */
export type PutAll = (rows: readonly OutcomeRow[]) => Promise<readonly boolean[]>;

/** What one statement may carry: bounds the time for which others wait behind it. */
const mostRows = 500;
const mostBytes = 4 * 2 ** 20;

interface Waiting {
  readonly row: OutcomeRow;
  resolve(stored: boolean): void;
  reject(error: unknown): void;
}

/**
 * Outcomes that come while a statement is under way go together in the next one: a commit waits for the disk, so one for each would be
 * a few hundred a second. They are stored in the order in which they came.
 */
export class PutBatch {
  readonly #putAll: PutAll;
  readonly #waiting: Waiting[] = [];
  #busy = false;

  constructor(putAll: PutAll) {
    this.#putAll = putAll;
  }

  add(row: OutcomeRow): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ row, resolve, reject });
      if (this.#busy) return;
      this.#busy = true;
      setImmediate(() => void this.#work());
    });
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    while (this.#waiting.length > 0) await this.#send(this.#take());
    this.#busy = false;
  }

  /** As many as fit, each id once: a statement changes no row twice. */
  #take(): readonly Waiting[] {
    const ids = new Set<string>();
    let [count, bytes] = [0, 0];
    for (const { row } of this.#waiting) {
      if (count === mostRows || (count > 0 && bytes + row.bytes > mostBytes) || ids.has(row.id)) break;
      ids.add(row.id);
      count += 1;
      bytes += row.bytes;
    }
    return this.#waiting.splice(0, count);
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    try {
      const stored = await this.#putAll(batch.map(({ row }) => row));
      for (const [index, { resolve }] of batch.entries()) resolve(stored[index] === true);
    } catch (error) {
      if (batch.length === 1 || isAway(error)) return reject(batch, error);
      for (const one of batch) await this.#send([one]); // one of them is refused: the others are not to fall with it
    }
  }
}

function isAway(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return code !== 'BROKER_COMMAND';
}

function reject(batch: readonly Waiting[], error: unknown): void {
  for (const one of batch) one.reject(error);
}
