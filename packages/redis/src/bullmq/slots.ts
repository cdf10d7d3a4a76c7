/** How long a queue waits for a slot before another one has to give its next one up, in milliseconds. */
const maxWait = 20;

interface Waiter {
  readonly queue: string;
  readonly since: number;
  readonly grant: (granted: boolean) => void;
}

/**
 * The slots of one consumer, shared by its queues. A slot is taken *before* a job is fetched, so nothing is fetched that
 * cannot be run at once. A queue keeps a slot from job to job (that fetch is fused with the settlement), unless another
 * queue has been waiting for longer than a moment: then the slot goes to whoever waited longest.
 */
export class Slots {
  #limit: number;
  #held = 0;
  readonly #waiters: Waiter[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get limit(): number {
    return this.#limit;
  }

  setLimit(limit: number): void {
    this.#limit = limit;
    this.#grant();
  }

  /** Waits for a slot; false when {@link cancel} came first. At most one wait per queue at a time. */
  take(queue: string): Promise<boolean> {
    if (this.#held < this.#limit && this.#waiters.length === 0) {
      this.#held += 1;
      return Promise.resolve(true);
    }
    return new Promise((grant) => this.#waiters.push({ queue, since: performance.now(), grant }));
  }

  release(): void {
    this.#held -= 1;
    this.#grant();
  }

  /** Ends the waits of this queue. */
  cancel(queue: string): void {
    for (const waiter of this.#waiters.splice(0)) {
      if (waiter.queue === queue) waiter.grant(false);
      else this.#waiters.push(waiter);
    }
  }

  /** Whether a queue may use its slot for one more job. */
  mayKeep(queue: string): boolean {
    if (this.#held > this.#limit) return false;
    const other = this.#waiters.find((waiter) => waiter.queue !== queue);
    return other === undefined || performance.now() - other.since < maxWait;
  }

  #grant(): void {
    while (this.#held < this.#limit) {
      const waiter = this.#waiters.shift();
      if (!waiter) return;
      this.#held += 1;
      waiter.grant(true);
    }
  }
}
