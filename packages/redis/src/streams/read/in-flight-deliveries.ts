import type { QueueStream } from '../entry/stream-queue.ts';
import type { StreamDelivery } from '../settle/delivery.ts';

/** Entries left to their leases that are remembered. */
const mostLeft = 10_000;

/**
 * Deliveries that are not over. Not a Set: one whose members come and go by the ten thousand a second is made anew all the
 * time, and each old table keeps the next from the garbage collector (0.7 µs a member, against 0.1 µs here; see core's IdMap).
 * A delivery knows its place; the last one takes the place of one that goes.
 */
export class InFlightDeliveries {
  readonly #list: StreamDelivery[] = [];
  /** Entries that are left alone until their leases run out, by the key of their stream. */
  readonly #left = new Map<string, Set<string>>();
  #leftCount = 0;
  #onChange: (() => void) | undefined;

  get size(): number {
    return this.#list.length;
  }

  add(delivery: StreamDelivery): void {
    delivery.place = this.#list.length;
    this.#list.push(delivery);
  }

  /** A delivery is over. */
  end(delivery: StreamDelivery): void {
    delivery.state = 'over';
    const { place } = delivery;
    if (this.#list[place] === delivery) {
      const last = this.#list.pop() as StreamDelivery;
      if (last !== delivery) {
        this.#list[place] = last;
        last.place = place;
      }
    }
    this.notify();
  }

  /** A delivery is over without a settlement: its entry comes again when its lease has run out, and not before. */
  leave(delivery: StreamDelivery): void {
    const { stream, entry } = delivery;
    if (this.#leftCount < mostLeft) {
      const left = this.#left.get(stream.key) ?? new Set();
      this.#left.set(stream.key, left.add(entry));
      this.#leftCount += 1;
    }
    this.end(delivery);
  }

  /** Entries of each stream that were left and are still pending; the others of these streams are forgotten. */
  keepLeft(pending: ReadonlyMap<string, ReadonlySet<string>>): void {
    for (const [key, still] of pending) {
      const left = this.#left.get(key);
      if (left === undefined) continue;
      for (const entry of left) if (!still.has(entry)) left.delete(entry);
      if (left.size === 0) this.#left.delete(key);
    }
    this.#leftCount = [...this.#left.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Entries of a stream that this process has, or has left. */
  known({ key }: QueueStream): ReadonlySet<string> {
    const known = new Set(this.#left.get(key));
    for (const { stream, entry } of this.#list) if (stream.key === key) known.add(entry);
    return known;
  }

  /** Resolves when nothing runs or is being settled, and nothing is read that may bring more; looked at after each change. */
  async quiet(isReading: () => boolean): Promise<void> {
    while (this.size > 0 || isReading()) {
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
    }
  }

  /** Something else has changed that may bring deliveries, or no more of them. */
  notify(): void {
    this.#onChange?.();
  }

  [Symbol.iterator](): Iterator<StreamDelivery> {
    return this.#list.values();
  }
}
