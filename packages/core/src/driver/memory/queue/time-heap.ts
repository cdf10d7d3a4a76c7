interface Timed<T> {
  readonly at: number;
  readonly order: number;
  readonly value: T;
}

/** A binary heap by time; what is due at the same moment comes out in the order it was put in. */
export class TimeHeap<T> {
  readonly #items: Timed<T>[] = [];
  #order = 0;

  get size(): number {
    return this.#items.length;
  }

  /** When the next value is due; undefined when there is none. */
  get nextAt(): number | undefined {
    return this.#items[0]?.at;
  }

  push(at: number, value: T): void {
    const items = this.#items;
    const item: Timed<T> = { at, order: this.#order++, value };
    let index = items.length;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(item, items[parent] as Timed<T>)) break;
      items[index] = items[parent] as Timed<T>;
      index = parent;
    }
    items[index] = item;
  }

  /** Takes the earliest value when it is due at `now`. */
  popDue(now: number): T | undefined {
    const first = this.#items[0];
    return first && first.at <= now ? this.pop() : undefined;
  }

  /** Takes the earliest value. */
  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (first && last && items.length > 0) this.#sink(last);
    return first?.value;
  }

  #sink(item: Timed<T>): void {
    const items = this.#items;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= items.length) break;
      const right = child + 1;
      if (right < items.length && before(items[right] as Timed<T>, items[child] as Timed<T>)) child = right;
      if (!before(items[child] as Timed<T>, item)) break;
      items[index] = items[child] as Timed<T>;
      index = child;
    }
    items[index] = item;
  }
}

function before<T>(a: Timed<T>, b: Timed<T>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
