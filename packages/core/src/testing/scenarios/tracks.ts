import { sleep, systemClock } from '../../clock.ts';

/** What ran when: begins and ends, in order. */
export class Tracks {
  readonly starts: string[] = [];
  readonly #running = new Map<string, number>();
  /** The most that ran at once of each key. */
  readonly most: Map<string, number> = new Map();

  async run<T>(key: string, what: string, work: () => Promise<T>): Promise<T> {
    this.starts.push(what);
    const now = (this.#running.get(key) ?? 0) + 1;
    this.#running.set(key, now);
    this.most.set(key, Math.max(this.most.get(key) ?? 0, now));
    try {
      return await work();
    } finally {
      this.#running.set(key, (this.#running.get(key) ?? 0) - 1);
    }
  }

  of(key: string): readonly string[] {
    return this.starts.filter((what) => what.startsWith(key));
  }
}

/** Lets time pass. */
export const pause = (ms: number): Promise<void> => sleep(systemClock, ms);
