/** What somebody did, or tried to do. */
export interface AuditEntry {
  /** Epoch ms. */
  readonly at: number;
  readonly who: string;
  readonly action: string;
  readonly target: string;
  /** `done`, or the error's message. */
  readonly outcome: string;
}

/** The latest actions, and a listener for all of them. */
export class Audit {
  readonly #entries: AuditEntry[] = [];
  readonly #limit: number;
  readonly #listener: ((entry: AuditEntry) => void) | undefined;

  constructor(limit: number, listener?: (entry: AuditEntry) => void) {
    this.#limit = limit;
    this.#listener = listener;
  }

  /** The latest first. */
  list(): readonly AuditEntry[] {
    return this.#entries.toReversed();
  }

  add(entry: AuditEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length > this.#limit) this.#entries.shift();
    this.#listener?.(entry);
  }
}
