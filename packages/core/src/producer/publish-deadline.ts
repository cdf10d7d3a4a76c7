import { setMaxListeners } from 'node:events';
import { type Clock, sleep, type Timer } from '../clock.ts';
import { ClosedError } from '../errors.ts';

/** The publishes that began within a twentieth of the timeout. */
interface Slice {
  readonly controller: AbortController;
  readonly until: number;
  readonly timer: Timer;
}

/**
 * One abort signal for all publishes that begin within a twentieth of the timeout: a controller and a timer for each
 * message would cost 3 µs on Node 20, more than everything else on the way. A publish may thus wait 5 % longer.
 */
export class PublishDeadlines {
  readonly #clock: Clock;
  readonly #timeout: number;
  #current: Slice | undefined;
  readonly #open = new Set<Slice>();

  constructor(clock: Clock, timeout: number) {
    this.#clock = clock;
    this.#timeout = timeout;
  }

  /** Aborts between `timeout` and `timeout` + 5 % from now. */
  signal(): AbortSignal {
    const now = this.#clock.monotonic();
    if (this.#current === undefined || now >= this.#current.until) this.#current = this.#begin(now);
    return this.#current.controller.signal;
  }

  /** Aborts everything under way, with {@link ClosedError} as reason. */
  close(): void {
    const closed = new ClosedError('the app');
    for (const { timer, controller } of this.#open) {
      timer.cancel();
      controller.abort(closed);
    }
    this.#open.clear();
  }

  #begin(now: number): Slice {
    const slice = this.#timeout / 20;
    const controller = new AbortController();
    setMaxListeners(0, controller.signal); // every publish under way listens
    const timer = this.#clock.after(
      this.#timeout + slice,
      () => {
        this.#open.delete(opened);
        if (this.#current === opened) this.#current = undefined; // the clock may have been set back
        controller.abort();
      },
      { background: true },
    );
    const opened: Slice = { controller, timer, until: now + slice };
    this.#open.add(opened);
    return opened;
  }
}

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
