import type { StreamDelivery } from '../settle/delivery.ts';

/**
 * Deliveries that are not over. Not a Set: one whose members come and go by the ten thousand a second is made anew all the
 * time, and each old table keeps the next from the garbage collector (0.7 µs a member, against 0.1 µs here; see core's IdMap).
 * A delivery knows its place; the last one takes the place of one that goes.
 */
export class InFlightDeliveries {
  readonly #list: StreamDelivery[] = [];

  get size(): number {
    return this.#list.length;
  }

  add(delivery: StreamDelivery): void {
    delivery.place = this.#list.length;
    this.#list.push(delivery);
  }

  delete(delivery: StreamDelivery): void {
    const { place } = delivery;
    if (this.#list[place] !== delivery) return;
    const last = this.#list.pop() as StreamDelivery;
    if (last === delivery) return;
    this.#list[place] = last;
    last.place = place;
  }

  [Symbol.iterator](): Iterator<StreamDelivery> {
    return this.#list.values();
  }
}
