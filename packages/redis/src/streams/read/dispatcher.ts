import type { MaybePromise, Settlement } from '@lovage/core/driver';
import type { StreamDelivery } from '../settle/delivery.ts';

/** Deliveries begun in a row; then their settlements and the next read leave, and Redis works while the next ones run. */
const longestBurst = 128;

/** What a run line is made of. */
export interface DispatcherParts {
  readonly slots: number;
  /** Gives a delivery to its receiver. */
  readonly answer: (delivery: StreamDelivery) => MaybePromise<Settlement>;
  readonly settle: (delivery: StreamDelivery, settlement: Settlement) => void;
  /** The receiver gave no answer. */
  readonly abandon: (delivery: StreamDelivery, error: unknown) => void;
  /** Called when something is settled for the first time in a turn of the event loop; what it returns, at the turn's end. */
  readonly beginBatch: () => () => void;
}

/** Runs deliveries: as many at once as there are slots, some at a time, so that the event loop gets its turns. */
export class DeliveryDispatcher {
  readonly #parts: DispatcherParts;
  /** Deliveries that have a slot and have not begun. */
  #line: StreamDelivery[] = [];
  #slots: number;
  #busy = 0;
  #reconciling = false;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
    this.#slots = parts.slots;
  }

  /** How many more deliveries there is a slot for. */
  get room(): number {
    return this.#slots - this.#busy;
  }

  setSlots(slots: number): void {
    this.#slots = slots;
  }

  /** Takes a delivery in if there is a slot for it. */
  add(delivery: StreamDelivery): boolean {
    if (this.room <= 0) return false;
    this.#busy += 1;
    this.#line.push(delivery);
    return true;
  }

  /** Begins what was taken in. */
  run(): void {
    if (this.#reconciling || this.#line.length === 0) return;
    this.#burst();
    this.#endBatch();
  }

  #burst(): void {
    const most = Math.min(longestBurst, Math.max(1, Math.ceil(this.#slots / 2)));
    const next = this.#line.length <= most ? this.#line : this.#line.slice(0, most);
    this.#line = this.#line.length <= most ? [] : this.#line.slice(most);
    for (const delivery of next) this.#begin(delivery);
  }

  #endBatch(): void {
    if (this.#reconciling) return;
    this.#reconciling = true;
    const endBatch = this.#parts.beginBatch();
    setImmediate(() => {
      this.#reconciling = false;
      endBatch();
      this.run();
    });
  }

  #begin(delivery: StreamDelivery): void {
    if (delivery.state !== 'running') {
      this.#busy -= 1; // handed back while it stood in line
      return;
    }
    let answer: MaybePromise<Settlement>;
    try {
      answer = this.#parts.answer(delivery);
    } catch (error) {
      this.#abandon(delivery, error);
      return;
    }
    if (answer instanceof Promise) {
      answer.then(
        (settlement) => this.#settle(delivery, settlement),
        (error: unknown) => this.#abandon(delivery, error),
      );
    } else this.#settle(delivery, answer);
  }

  #settle(delivery: StreamDelivery, settlement: Settlement): void {
    this.#busy -= 1;
    if (delivery.state !== 'running') return; // handed back: its receiver's answer is void
    this.#parts.settle(delivery, settlement);
    this.#endBatch();
  }

  #abandon(delivery: StreamDelivery, error: unknown): void {
    this.#busy -= 1;
    this.#parts.abandon(delivery, error);
    this.#endBatch();
  }
}
