import type { AcquireRequest } from '../driver/semaphore.ts';

interface Waiting {
  readonly entry: AcquireRequest;
  readonly resolve: (fence: number) => void;
  readonly reject: (error: unknown) => void;
}

/** What enters in one turn of the event loop goes in one call: a worker takes several messages of a full group at once. */
export class AcquireBatcher {
  readonly #enter: (entries: readonly AcquireRequest[]) => Promise<readonly number[]>;
  #waiting: Waiting[] = [];

  constructor(enter: (entries: readonly AcquireRequest[]) => Promise<readonly number[]>) {
    this.#enter = enter;
  }

  /** The entry's fencing token, or 0: it has to wait. Rejects as `enter` does. */
  add(entry: AcquireRequest): Promise<number> {
    if (this.#waiting.length === 0) process.nextTick(() => void this.#send());
    return new Promise((resolve, reject) => this.#waiting.push({ entry, resolve, reject }));
  }

  /** Never rejects. */
  async #send(): Promise<void> {
    const batch = this.#waiting;
    this.#waiting = [];
    try {
      const fences = await this.#enter(batch.map(({ entry }) => entry));
      for (const [index, { resolve }] of batch.entries()) resolve(fences[index] as number);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
