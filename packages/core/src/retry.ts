import { type Clock, sleep } from './clock.ts';

/** Pauses between tries, in milliseconds: each is twice as long as the one before, up to the longest. */
export interface Pauses {
  readonly first: number;
  readonly longest: number;
}

/** The pause after so many failures in a row, from 1. */
export function pauseAfter({ first, longest }: Pauses, failures: number): number {
  return Math.min(first * 2 ** Math.min(failures - 1, 52), longest);
}

/** The pauses of work that is started by something else than {@link retry}: a timer, a child, a loop that also succeeds. */
export class Backoff {
  readonly #pauses: Pauses;
  #failures = 0;

  constructor(pauses: Pauses) {
    this.#pauses = pauses;
  }

  /** The pause after one more failure. */
  next(): number {
    this.#failures += 1;
    return pauseAfter(this.#pauses, this.#failures);
  }

  reset(): void {
    this.#failures = 0;
  }
}

/** How work is tried again. */
export interface RetryRule extends Pauses {
  /** Called with each error and the pause that follows it, to log it. What it throws ends the tries. */
  readonly onError: (error: unknown, inMs: number) => void;
}

/**
 * Tries until the work resolves; undefined when a try failed and the signal has aborted. An abort cuts the pause short: the work is
 * tried once more, then given up. Rejects only with what `onError` throws.
 */
export async function retry<T>(
  clock: Clock,
  rule: RetryRule,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T | undefined> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await work();
    } catch (error) {
      if (signal?.aborted) return undefined;
      const inMs = pauseAfter(rule, failures);
      rule.onError(error, inMs);
      await sleep(clock, inMs, signal).catch(() => undefined); // an abort is seen above
    }
  }
}
