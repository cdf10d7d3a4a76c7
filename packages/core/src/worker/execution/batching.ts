import type { Consumer } from '../../driver/broker.ts';
import type { MaybePromise } from '../../options/schema.ts';
import { SlotGate } from '../pool/slot-gate.ts';
import type { Attempt } from './attempt.ts';
import type { AttemptResult } from './attempt-result.ts';
import { Batcher, type BatcherOptions } from './batcher.ts';

/** What a worker has that knows batch tasks: slots that are its own to give, and batches that collect their items. */
export class Batching {
  readonly #gate: SlotGate;
  readonly #batcher: Batcher;
  #slots: number;

  constructor(slots: number, options: Omit<BatcherOptions, 'gate'>) {
    this.#slots = slots;
    this.#gate = new SlotGate(slots);
    this.#batcher = new Batcher({ ...options, gate: this.#gate });
  }

  /** Gives the consumer room for the items of batches. */
  attach(consumer: Pick<Consumer, 'setSlots'>): void {
    this.#gate.onChange = (slots) => consumer.setSlots(slots);
    this.setSlots(this.#slots); // items may have come before the consumer was there
  }

  /** How many slots are taken: a batch takes one, what waits for its batch takes none. */
  get busy(): number {
    return this.#gate.busy;
  }

  setSlots(slots: number): void {
    this.#slots = slots;
    this.#gate.setSlots(slots);
  }

  /** Runs an attempt when there is a slot for it, those of a batch task together. */
  run(attempt: Attempt): MaybePromise<AttemptResult> {
    return this.#batcher.run(attempt);
  }

  /** Starts every batch with what it has, now and from now on. */
  flush(): void {
    this.#batcher.flush();
  }
}
