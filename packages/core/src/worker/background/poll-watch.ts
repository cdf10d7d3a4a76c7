import { type Clock, type Timer, withDeadline } from '../../clock.ts';
import type { Consumer } from '../../driver/broker.ts';
import { ConsumerWedgedError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';

/** What a watch over a consumer needs. */
export interface PollWatchOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly consumer: Pick<Consumer, 'polls' | 'rebuild'>;
  /** Asks the broker for a sign of life; rejects without one. */
  readonly check: () => Promise<unknown>;
  /** How long a queue may go without being polled, in milliseconds. */
  readonly timeout: number;
}

/** A queue that is not polled. */
export interface UnpolledQueue {
  readonly queue: string;
  /** Milliseconds since it was last seen to be polled. */
  readonly since: number;
}

interface Seen {
  readonly polls: number;
  readonly at: number;
}

/** What was done about a silence so far; moments by the monotonic clock. */
interface Remedy {
  rebuiltAt: number;
  /** Since when the broker has answered at every look, though the consumer was made anew: it has no excuse any more. */
  answersSince: number | undefined;
}

const longestInterval = 2_000;
/** Of a consumer that asks nobody. */
const nothing: ReadonlyMap<string, number> = new Map();

/**
 * Sees to it that a consumer polls. A client or a loop may hang without an error (a socket that nobody reads, a promise that
 * nobody settles), and the worker would look well and do nothing. A queue that was not polled for the timeout has the
 * consumer made anew; when it is not polled for another one, though the broker answers all the time, the worker is wedged.
 * While the broker does not answer there is nothing to poll, and the worker waits for it.
 */
export class PollWatch {
  /** Resolves when the consumer cannot be brought to poll: its process had better be replaced. */
  readonly wedged: Promise<ConsumerWedgedError>;
  readonly #options: PollWatchOptions;
  readonly #interval: number;
  readonly #seen = new Map<string, Seen>();
  #tell: (error: ConsumerWedgedError) => void = () => {};
  #remedy: Remedy | undefined;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: PollWatchOptions) {
    this.#options = options;
    this.#interval = Math.min(longestInterval, options.timeout / 5);
    this.wedged = new Promise((resolve) => {
      this.#tell = resolve;
    });
    this.#observe(options.clock.monotonic());
    this.#arm();
  }

  /** The queue that has gone without a poll for longest; undefined when there is none to poll. */
  get longestUnpolledQueue(): UnpolledQueue | undefined {
    let longest: UnpolledQueue | undefined;
    const now = this.#options.clock.monotonic();
    if (!this.#closed) this.#observe(now);
    for (const [queue, { at }] of this.#seen) {
      if (longest === undefined || now - at > longest.since) longest = { queue, since: now - at };
    }
    return longest;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#seen.clear();
  }

  #arm(): void {
    const { clock } = this.#options;
    const due = clock.monotonic() + this.#interval;
    const onTime = (): void => void this.#look(clock.monotonic() - due).finally(() => this.#closed || this.#arm());
    this.#timer = clock.after(this.#interval, onTime, { background: true });
  }

  /** Never rejects. A look that comes late shows a blocked event loop or a stopped process: nobody could poll, and nobody is blamed. */
  async #look(late: number): Promise<void> {
    const { timeout } = this.#options;
    if (late > this.#interval) this.#seen.clear();
    const { longestUnpolledQueue } = this;
    if (longestUnpolledQueue === undefined || longestUnpolledQueue.since < timeout) this.#remedy = undefined;
    else await this.#act(longestUnpolledQueue);
  }

  #observe(now: number): void {
    const polls = this.#options.consumer.polls?.() ?? nothing;
    for (const queue of this.#seen.keys()) if (!polls.has(queue)) this.#seen.delete(queue);
    for (const [queue, count] of polls) {
      if (this.#seen.get(queue)?.polls !== count) this.#seen.set(queue, { polls: count, at: now });
    }
  }

  async #act(longestUnpolledQueue: UnpolledQueue): Promise<void> {
    const { clock, timeout } = this.#options;
    const now = clock.monotonic();
    if (this.#remedy === undefined || now - this.#remedy.rebuiltAt >= timeout) {
      if (this.#isWedged(now)) return this.#giveUp(longestUnpolledQueue);
      this.#remedy = { answersSince: undefined, ...this.#remedy, rebuiltAt: now };
      await this.#rebuild(longestUnpolledQueue);
    }
    const remedy = this.#remedy;
    remedy.answersSince = (await this.#answers()) ? (remedy.answersSince ?? now) : undefined;
  }

  #isWedged(now: number): boolean {
    const since = this.#remedy?.answersSince;
    return since !== undefined && now - since >= this.#options.timeout;
  }

  async #rebuild({ queue, since }: UnpolledQueue): Promise<void> {
    const { clock, logger, consumer, timeout } = this.#options;
    logger.error('a queue is no longer polled: rebuilding the connections of the consumer', {
      queue,
      forMs: Math.round(since),
    });
    const late = (): Error => new Error('the consumer could not be rebuilt in time');
    await withDeadline(clock, timeout, consumer.rebuild?.() ?? Promise.resolve(), late).catch((error: unknown) =>
      logger.error('the consumer could not be rebuilt', { error }),
    );
  }

  async #answers(): Promise<boolean> {
    try {
      await this.#options.check();
      return true;
    } catch {
      return false; // away or cut off: its user sees that elsewhere
    }
  }

  #giveUp({ queue, since }: UnpolledQueue): void {
    const error = new ConsumerWedgedError(queue, Math.round(since));
    this.#options.logger.error('the worker is wedged', { error });
    this.close();
    this.#tell(error);
  }
}
