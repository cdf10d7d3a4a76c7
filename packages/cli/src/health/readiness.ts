import type { Clock } from '@lovage/core/driver';
import type { UnpolledQueue } from '@lovage/core/worker';

/** What is asked of a worker from outside. */
export type Probe = 'live' | 'ready' | 'startup';

/** How a worker is; `reason` says why it is not well. */
export interface Health {
  readonly ok: boolean;
  readonly reason?: string;
}

const well: Health = { ok: true };
/** A broker that answered that recently is not asked again. */
const fresh = 5_000;
/** A broker that has not answered for so long makes the worker unready. */
const limit = 20_000;

/** What a started worker is asked. */
export interface Started {
  /** Asks the broker for a sign of life; rejects when the broker does not answer. */
  check(): Promise<unknown>;
  /** The queue that has gone unpolled for longest. */
  longestUnpolledQueue(): UnpolledQueue | undefined;
  /** Why no thread or process of its pool starts; undefined where they do. */
  poolTrouble(): string | undefined;
  /** How long a queue may go unpolled, in milliseconds. */
  readonly pollTimeout: number;
}

/**
 * Whether a worker is started and can do its work. It is ready while its consumer polls, its pool starts, and its broker has answered within
 * 20 s; the broker is asked when somebody asks the worker, and at most every 5 s: a worker that nobody probes asks nothing.
 */
export class Readiness {
  readonly #clock: Clock;
  #state: 'starting' | 'started' | 'ending' = 'starting';
  #worker: Started = {
    check: async () => {},
    longestUnpolledQueue: () => undefined,
    poolTrouble: () => undefined,
    pollTimeout: 0,
  };
  #answeredAt = 0;
  #checking: Promise<void> | undefined;
  #lastError = '';

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The app is loaded, the broker has answered, and the worker consumes. */
  start(worker: Started): void {
    this.#state = 'started';
    this.#worker = worker;
    this.#answeredAt = this.#clock.monotonic();
  }

  /** The worker takes no more tasks. */
  end(): void {
    this.#state = 'ending';
  }

  /** Answers a probe. That it answers at all is what `live` asks. */
  async answer(probe: Probe): Promise<Health> {
    if (probe === 'live') return well;
    if (this.#state === 'starting') return { ok: false, reason: 'the worker is starting' };
    if (probe === 'startup') return well;
    if (this.#state === 'ending') return { ok: false, reason: 'the worker is ending' };
    return this.#ready();
  }

  async #ready(): Promise<Health> {
    const longestUnpolledQueue = this.#worker.longestUnpolledQueue();
    if (longestUnpolledQueue !== undefined && longestUnpolledQueue.since >= this.#worker.pollTimeout) {
      return {
        ok: false,
        reason: `queue "${longestUnpolledQueue.queue}" has not been polled for ${Math.round(longestUnpolledQueue.since / 1000)} s`,
      };
    }
    const lastError = this.#worker.poolTrouble();
    if (lastError !== undefined) return { ok: false, reason: `no child of the pool starts: ${lastError}` };
    if (this.#age < fresh) return well;
    const asked = this.#ask();
    if (this.#age < limit) return well; // probes have a second or so: the answer is there for the next one
    await asked;
    if (this.#age < limit) return well;
    return { ok: false, reason: `the broker has not answered for ${Math.round(this.#age / 1000)} s${this.#lastError}` };
  }

  get #age(): number {
    return this.#clock.monotonic() - this.#answeredAt;
  }

  /** Asks the broker once, however many ask for it meanwhile. Never rejects. */
  #ask(): Promise<void> {
    this.#checking ??= this.#worker
      .check()
      .then(
        () => {
          this.#answeredAt = this.#clock.monotonic();
          this.#lastError = '';
        },
        (error: unknown) => {
          this.#lastError = `: ${error instanceof Error ? error.message : String(error)}`;
        },
      )
      .finally(() => {
        this.#checking = undefined;
      });
    return this.#checking;
  }
}
