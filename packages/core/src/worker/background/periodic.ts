import type { Clock, Timer } from '../../clock.ts';
import { ClosedError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';

/** What a worker does from time to time. */
export interface PeriodicOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** For the log, as in `could not <what>`. */
  readonly what: string;
  /** Between the end of one turn and the next, in milliseconds. */
  readonly interval: number;
  readonly work: () => Promise<unknown>;
}

/** Work in the background of a worker, a turn after the other. A turn that fails is logged, and the next one comes all the same. */
export class Periodic {
  readonly #options: PeriodicOptions;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: PeriodicOptions) {
    this.#options = options;
  }

  /** Does the first turn; resolves with its end, and never rejects. */
  async start(): Promise<void> {
    const { clock, logger, what, interval, work } = this.#options;
    if (this.#stopped) return;
    try {
      await work();
    } catch (error) {
      if (error instanceof ClosedError) return; // the app has gone, and may never have had its worker
      logger.debug(`could not ${what}`, { error });
    }
    if (!this.#stopped) this.#timer = clock.after(interval, () => void this.start(), { background: true });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }
}
