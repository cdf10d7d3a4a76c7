import type { Clock, Timer } from '@lovage/core/driver';
import type { HeldTask } from './held-task.ts';

/** Node's timers end at 2^31 − 1 ms: what is due later is looked at again. */
const longestTimer = 3_600_000;

/** Holds deliveries until their time, as Celery's workers do: unacknowledged, and in no slot. */
export class EtaQueue {
  readonly #clock: Clock;
  readonly #due: (held: HeldTask) => void;
  readonly #timers = new Map<HeldTask, Timer>();

  constructor(clock: Clock, due: (held: HeldTask) => void) {
    this.#clock = clock;
    this.#due = due;
  }

  get size(): number {
    return this.#timers.size;
  }

  get tasks(): readonly HeldTask[] {
    return [...this.#timers.keys()];
  }

  add(held: HeldTask, at: number): void {
    const wait = Math.max(0, at - this.#clock.now());
    const timer = this.#clock.after(Math.min(wait, longestTimer), () => {
      if (wait > longestTimer) return this.add(held, at);
      this.#timers.delete(held);
      this.#due(held);
    });
    this.#timers.set(held, timer);
  }

  /** Lets one go before its time; false where it is not here. */
  remove(held: HeldTask): boolean {
    this.#timers.get(held)?.cancel();
    return this.#timers.delete(held);
  }

  /** Lets all go. */
  drain(): readonly HeldTask[] {
    const all = this.tasks;
    for (const held of all) this.remove(held);
    return all;
  }
}
