import type { Clock } from '../../clock.ts';
import { TimeHeap } from './queue/time-heap.ts';

interface Slot<V> {
  readonly key: string;
  value: V;
  expiresAt: number;
}

/**
 * A map whose entries end at their time, and whose oldest go when there are too many. What expired is dropped at the
 * next call, so the map needs no timer of its own.
 */
export class ExpiringMap<V> {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #slots = new Map<string, Slot<V>>();
  #expiry = new TimeHeap<Slot<V>>();

  constructor(clock: Clock, limit: number = Number.POSITIVE_INFINITY) {
    this.#clock = clock;
    this.#limit = limit;
  }

  get size(): number {
    this.#expire();
    return this.#slots.size;
  }

  get(key: string): V | undefined {
    this.#expire();
    return this.#slots.get(key)?.value;
  }

  /** All that is there, each with the moment at which it ends. */
  entries(): readonly (readonly [key: string, value: V, expiresAt: number])[] {
    this.#expire();
    return [...this.#slots.values()].map(({ key, value, expiresAt }) => [key, value, expiresAt] as const);
  }

  /** Sets a value that lasts `ttl` milliseconds from now. */
  set(key: string, value: V, ttl: number): void {
    this.#expire();
    const expiresAt = this.#clock.now() + ttl;
    const known = this.#slots.get(key);
    if (known) return this.#update(known, value, expiresAt);
    const slot = { key, value, expiresAt };
    this.#slots.set(key, slot);
    this.#expiry.push(expiresAt, slot);
    if (this.#slots.size > this.#limit) this.#dropOldest();
  }

  /** Gives a key another value for the time it has left. */
  replace(key: string, value: V): void {
    this.#expire();
    const slot = this.#slots.get(key);
    if (slot) slot.value = value;
  }

  /** Lets an entry end `ttl` milliseconds from now, unless it ends sooner. */
  shorten(key: string, ttl: number): void {
    this.#expire();
    const slot = this.#slots.get(key);
    const expiresAt = this.#clock.now() + ttl;
    if (slot && slot.expiresAt > expiresAt) this.#update(slot, slot.value, expiresAt);
  }

  delete(key: string): boolean {
    const found = this.#slots.delete(key);
    if (this.#expiry.size > 2 * this.#slots.size + 1024) this.#rebuild();
    return found;
  }

  #update(slot: Slot<V>, value: V, expiresAt: number): void {
    slot.value = value;
    // a later time is found when the old item comes out; a nearer one needs an item of its own
    if (expiresAt < slot.expiresAt) this.#expiry.push(expiresAt, slot);
    slot.expiresAt = expiresAt;
  }

  #dropOldest(): void {
    const oldest = this.#slots.keys().next();
    if (!oldest.done) this.delete(oldest.value);
  }

  #expire(): void {
    const now = this.#clock.now();
    for (let slot = this.#expiry.popDue(now); slot; slot = this.#expiry.popDue(now)) {
      if (this.#slots.get(slot.key) !== slot) continue; // deleted since, or another slot under that key
      if (slot.expiresAt <= now) this.#slots.delete(slot.key);
      else this.#expiry.push(slot.expiresAt, slot);
    }
  }

  /** Drops the items of deleted slots once they are the majority: constant cost per deletion over time. */
  #rebuild(): void {
    this.#expiry = new TimeHeap();
    for (const slot of this.#slots.values()) this.#expiry.push(slot.expiresAt, slot);
  }
}
