import { type QueueLoad, waitBucket } from '../../events/queue-load.ts';

/** Measures the load of one queue: a few additions an attempt. */
export class QueueMeter {
  readonly queue: string;
  #ended = 0;
  #busy = 0;
  #busySquares = 0;
  #waited = 0;
  readonly #waits: number[] = [];

  constructor(queue: string) {
    this.queue = queue;
  }

  /** An attempt has ended that had waited and then held a slot, both in milliseconds. */
  add(waited: number, busy: number): void {
    this.#ended += 1;
    this.#busy += busy;
    this.#busySquares += busy * busy;
    this.#waited += waited;
    const bucket = waitBucket(waited);
    while (this.#waits.length <= bucket) this.#waits.push(0);
    this.#waits[bucket] = (this.#waits[bucket] as number) + 1;
  }

  get load(): QueueLoad {
    const waits = [...this.#waits];
    return { ended: this.#ended, busy: this.#busy, busySquares: this.#busySquares, waited: this.#waited, waits };
  }
}
