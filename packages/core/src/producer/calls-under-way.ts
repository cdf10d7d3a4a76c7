import { type Clock, sleep } from '../clock.ts';

/** Counts calls that were made and not yet accepted, so that a closing app can let them leave. */
export class CallsUnderWay {
  #count = 0;
  #onIdle: () => void = () => {};

  begin(): void {
    this.#count += 1;
  }

  end(): void {
    this.#count -= 1;
    if (this.#count === 0) this.#onIdle();
  }

  /** Counts one for as long as it takes. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.begin();
    try {
      return await work;
    } finally {
      this.end();
    }
  }

  /** Resolves when there is none, or after `longest` milliseconds. */
  async idle(clock: Clock, longest: number): Promise<void> {
    if (this.#count === 0) return;
    const over = new AbortController();
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    await Promise.race([idle, sleep(clock, longest, over.signal).catch(() => undefined)]);
    over.abort();
  }
}
