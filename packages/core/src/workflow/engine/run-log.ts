import { decodeEntry, type EntryKind, type LogEntry, markSign, type OpenMark } from '../log-entry.ts';

/** Entries that the code reads by their key; they are not handed over in turn. */
const byKey: ReadonlySet<EntryKind> = new Set(['now', 'patch']);

/** Entries that changed code need not ask for. */
const outOfTurn: ReadonlySet<EntryKind> = new Set(['patch', 'cancel', 'compensate']);

/**
 * The outcomes of a run in the order in which they are handed to its code, and how far that has come. It is the same for a
 * replay and for the first time: an outcome is stored, takes its place here, and is handed over when its turn comes.
 */
export class RunLog {
  readonly #entries = new Map<string, LogEntry>();
  readonly #marks = new Map<string, OpenMark>();
  readonly #order: LogEntry[] = [];
  readonly #skipped = new Set<string>();
  readonly #requested = new Set<string>();
  #cursor = 0;
  #last = 0;
  #bytes = 0;

  constructor(texts: ReadonlyMap<string, string>, since: number) {
    const entries: LogEntry[] = [];
    for (const [key, text] of texts) {
      if (key.startsWith(markSign)) this.#marks.set(key.slice(1), JSON.parse(text) as OpenMark);
      else {
        const entry = decodeEntry(key, text, since);
        if (entry) entries.push(entry);
      }
    }
    for (const entry of entries.sort((a, b) => a.n - b.n)) this.add(entry);
  }

  /** The number of the next entry, which is taken by it. */
  number(): number {
    this.#last += 1;
    return this.#last;
  }

  /** How many outcomes have been handed over. */
  get delivered(): number {
    return this.#cursor;
  }

  /** Outcomes in the order in which they are handed over. */
  get order(): readonly LogEntry[] {
    return this.#order;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Characters of JSON that have been handed over. */
  get bytes(): number {
    return this.#bytes;
  }

  entry(key: string): LogEntry | undefined {
    return this.#entries.get(key);
  }

  mark(key: string): OpenMark | undefined {
    return this.#marks.get(key);
  }

  setMark(key: string, mark: OpenMark): void {
    this.#marks.set(key, mark);
  }

  /** Says that the code asked for this key. */
  request(key: string): void {
    this.#requested.add(key);
  }

  /** Whether something is stored that the code has not asked for so far: it is being replayed. */
  get replaying(): boolean {
    if (this.#cursor < this.#order.length) return true;
    for (const key of this.#marks.keys()) if (!this.#requested.has(key)) return true;
    return false;
  }

  /** Whether outcomes wait for their turn. */
  get hasUndelivered(): boolean {
    return this.#cursor < this.#order.length;
  }

  add(entry: LogEntry): void {
    this.#entries.set(entry.key, entry);
    this.#last = Math.max(this.#last, entry.n);
    if (byKey.has(entry.kind)) return;
    if (entry.place === undefined) this.#order.push(entry);
    else this.#order.splice(entry.place, 0, entry);
  }

  /** The outcome whose turn it is, past those of inserted code that is not there any more. */
  head(isRequested: (key: string) => boolean): LogEntry | undefined {
    for (;;) {
      const entry = this.#order[this.#cursor];
      if (entry?.place === undefined || isRequested(entry.key)) return entry;
      this.#skipped.add(entry.key);
      this.#cursor += 1;
    }
  }

  /** The outcome whose turn it was, which has been handed over now. */
  advance(entry: LogEntry): void {
    this.#cursor += 1;
    this.#bytes += sizeOf(entry);
  }

  /** Whether the turn of this outcome came before the code asked for it. */
  takeSkipped(key: string): boolean {
    return this.#skipped.delete(key);
  }

  /** The first stored outcome that the code never asked for. */
  unrequested(): LogEntry | undefined {
    const all = [...this.#entries.values()].sort((a, b) => a.n - b.n);
    return all.find(({ key, kind, place }) => !outOfTurn.has(kind) && place === undefined && !this.#requested.has(key));
  }
}

function sizeOf({ value, failure }: LogEntry): number {
  const body = failure ?? value;
  if (body === undefined || typeof body === 'number' || typeof body === 'boolean') return 8;
  return typeof body === 'string' ? body.length : JSON.stringify(body).length;
}
