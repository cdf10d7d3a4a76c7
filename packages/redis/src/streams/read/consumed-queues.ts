import type { StreamQueue } from '../entry/stream-queue.ts';

/** The queues of a consumer, and whether it takes messages of them. */
export class ConsumedQueues {
  paused = false;
  closing = false;
  readonly #queues = new Map<string, StreamQueue>();
  /** The names of all queues it has had: deliveries of a removed one may still run. */
  readonly #known = new Set<string>();

  has(name: string): boolean {
    return this.#queues.has(name);
  }

  add(queue: StreamQueue): void {
    this.#queues.set(queue.name, queue);
    this.#known.add(queue.name);
  }

  remove(name: string): StreamQueue | undefined {
    const queue = this.#queues.get(name);
    this.#queues.delete(name);
    return queue;
  }

  /** The names of all queues it has had. */
  get known(): readonly string[] {
    return [...this.#known];
  }

  /** Whether what comes of this queue is run, or goes back. */
  wants(queue: StreamQueue): boolean {
    return !this.closing && !this.paused && this.#queues.get(queue.name) === queue;
  }
}
