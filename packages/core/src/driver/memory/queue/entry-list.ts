import type { MemoryEntry } from './memory-entry.ts';

/** A linked list of entries, first in, first out; every operation costs the same whatever its length. */
export class EntryList {
  #first: MemoryEntry | undefined;
  #last: MemoryEntry | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(entry: MemoryEntry): void {
    entry.next = undefined;
    if (this.#last) this.#last.next = entry;
    else this.#first = entry;
    this.#last = entry;
    this.#size += 1;
  }

  /** Puts an entry before all others: one that was handed back keeps its turn. */
  unshift(entry: MemoryEntry): void {
    entry.next = this.#first;
    this.#first = entry;
    this.#last ??= entry;
    this.#size += 1;
  }

  shift(): MemoryEntry | undefined {
    const entry = this.#first;
    if (!entry) return undefined;
    this.#first = entry.next;
    if (!this.#first) this.#last = undefined;
    entry.next = undefined;
    this.#size -= 1;
    return entry;
  }

  *[Symbol.iterator](): Generator<MemoryEntry> {
    for (let entry = this.#first; entry; entry = entry.next) yield entry;
  }
}
