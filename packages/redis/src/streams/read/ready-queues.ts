import type { StreamQueue } from '../entry/stream-queue.ts';

/** Queues asked by one fetch: eleven looks each. */
const mostAtOnce = 16;

/** What a fetch answers; numbers are places in its list of queues, from 1. */
export interface FetchReply {
  /** In turn: place, name of the stream, entries. */
  readonly found: readonly unknown[];
  readonly missing: readonly number[];
  readonly paused: readonly number[];
  /** They had nothing more, and signal when they have. */
  readonly empty: readonly number[];
}

/** Of a reader's many queues, those that may have messages. */
export class ReadyQueues {
  #all: ReadonlyMap<string, StreamQueue> = new Map();
  /** In the order in which they are asked. */
  readonly #ready = new Set<StreamQueue>();
  readonly #paused = new Set<StreamQueue>();

  /** New ones may have messages. */
  setQueues(queues: readonly StreamQueue[]): void {
    const before = this.#all;
    this.#all = new Map(queues.map((queue) => [queue.base, queue]));
    for (const queue of queues) if (before.get(queue.base) !== queue) this.#ready.add(queue);
    for (const list of [this.#ready, this.#paused]) {
      for (const queue of list) if (this.#all.get(queue.base) !== queue) list.delete(queue);
    }
  }

  get size(): number {
    return this.#ready.size;
  }

  /** False when no queue's keys begin so. */
  add(base: string): boolean {
    const queue = this.#all.get(base);
    if (queue === undefined) return false;
    this.#paused.delete(queue);
    this.#ready.add(queue);
    return true;
  }

  addAll(): void {
    this.#paused.clear();
    for (const queue of this.#all.values()) this.#ready.add(queue);
  }

  /** Those that were paused may go on. */
  addPaused(): void {
    for (const queue of this.#paused) this.#ready.add(queue);
    this.#paused.clear();
  }

  /**
   * The next to be asked for so many messages: for two at least of each, or one would not show that it has no more. They are taken
   * out: what is said of one while it is asked adds it again.
   */
  next(messages: number): readonly StreamQueue[] {
    const most = Math.max(1, Math.min(mostAtOnce, Math.floor(messages / 2)));
    const next: StreamQueue[] = [];
    for (const queue of this.#ready) {
      if (next.length === most) break;
      next.push(queue);
    }
    for (const queue of next) this.#ready.delete(queue);
    return next;
  }

  /** They were asked. Those that may have more come last. */
  done(order: readonly StreamQueue[], { missing, paused, empty }: FetchReply): void {
    const over = new Set([...missing, ...paused, ...empty]);
    this.putBack(order.filter((_, index) => !over.has(index + 1)));
    for (const place of paused) {
      const queue = order[place - 1] as StreamQueue;
      if (this.#all.get(queue.base) === queue && !this.#ready.has(queue)) this.#paused.add(queue);
    }
  }

  /** They may have messages still. */
  putBack(queues: readonly StreamQueue[]): void {
    for (const queue of queues) if (this.#all.get(queue.base) === queue) this.#ready.add(queue);
  }
}
