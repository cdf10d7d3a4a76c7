interface Entry<T> {
  readonly id: string;
  readonly value: T;
  next: Entry<T> | undefined;
}

const buckets = 512;
/** The random part of a UUID is at its end. */
const hashed = 6;

/**
 * A map for entries that come and go by the ten thousand a second. V8's Map is made anew every few hundred changes, and each
 * old table points to the next: once one was promoted, every table after it, and all they held, survives until the next full
 * collection. Measured with 100 entries at a time: 0.7 µs for an entry in a Map, most of it garbage collection; 0.1 µs here.
 */
export class IdMap<T> {
  readonly #buckets: (Entry<T> | undefined)[] = Array.from({ length: buckets }, () => undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: string): T | undefined {
    let entry = this.#buckets[hash(id)];
    while (entry !== undefined && entry.id !== id) entry = entry.next;
    return entry?.value;
  }

  /** Adds an entry; its id must not be there. */
  add(id: string, value: T): void {
    const at = hash(id);
    this.#buckets[at] = { id, value, next: this.#buckets[at] };
    this.#size += 1;
  }

  delete(id: string): void {
    const at = hash(id);
    let before: Entry<T> | undefined;
    let entry = this.#buckets[at];
    while (entry !== undefined && entry.id !== id) {
      before = entry;
      entry = entry.next;
    }
    if (entry === undefined) return;
    if (before) before.next = entry.next;
    else this.#buckets[at] = entry.next;
    this.#size -= 1;
  }

  values(): T[] {
    const values: T[] = [];
    for (let entry of this.#buckets) {
      for (; entry !== undefined; entry = entry.next) values.push(entry.value);
    }
    return values;
  }
}

function hash(id: string): number {
  let sum = 0;
  for (let index = Math.max(0, id.length - hashed); index < id.length; index += 1) {
    sum = (sum * 31 + id.charCodeAt(index)) | 0;
  }
  return sum & (buckets - 1);
}
