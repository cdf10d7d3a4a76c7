import { type Clock, sleep, withDeadline } from '../clock.ts';
import { ConfigurationError, LovageError, NotSupportedError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { Duration } from '../options/duration.ts';
import { type Reader, readOptions } from '../options/option-reader.ts';
import { isName } from '../options/well-formed.ts';
import { retry } from '../retry.ts';
import { leaseTtl } from './lock.ts';
import type { HeldLease, LeaseRequest } from './lock-lease.ts';
import type { LeaseQueue } from './lock-queue.ts';

/** Options of `app.elect`. */
export interface ElectionOptions {
  /**
   * Called each time this process becomes the leader. `signal` aborts when it must stop leading; `fence` grows with every
   * leader. It may return at once or run as long as it leads; when it throws, another process may take over.
   */
  readonly onLeader: (signal: AbortSignal, fence: number) => unknown;
  /** How long a leader that died is waited for. @default '15s' */
  readonly ttl?: Duration;
}

/** What an election needs of the app. */
export interface ElectionContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly queue: LeaseQueue;
  /** `app.close()` ends the election. */
  readonly closers: Set<() => Promise<unknown>>;
}

/** What a leader that is told to stop gets before the lease is let go around it. */
const stopGrace = 5_000;
/** What giving the lease back may take: a store that does not answer holds up no shutdown. */
const goodbye = 1_000;
const retryPauses = { first: 250, longest: 5_000 };
const defaultTtl = 15_000;

const handler: Reader<ElectionOptions['onLeader']> = (value, where) => {
  if (typeof value === 'function') return value as ElectionOptions['onLeader'];
  throw new ConfigurationError(`${where}: expected a function (signal, fence)`);
};

/** A candidacy: this process leads, or stands by to. `app.elect` makes it. */
export class Election {
  readonly name: string;
  readonly #context: ElectionContext;
  readonly #request: LeaseRequest;
  readonly #onLeader: ElectionOptions['onLeader'];
  readonly #closing = new AbortController();
  readonly #campaign: Promise<void>;
  readonly #forget: () => void;
  #lease: HeldLease | undefined;

  /** @internal Made by `app.elect`. */
  constructor(context: ElectionContext, name: string, given: ElectionOptions) {
    const where = `election "${name}"`;
    if (!isName(name)) throw new ConfigurationError('app.elect(name): expected a non-empty, well-formed name');
    const { onLeader, ttl = defaultTtl } = readOptions(given, { onLeader: handler, ttl: leaseTtl }, where);
    if (!onLeader) throw new ConfigurationError(`${where}: the option onLeader is missing`);
    this.name = name;
    this.#context = context;
    this.#request = { name: `elect:${name}`, label: name, ttl };
    this.#onLeader = onLeader;
    const close = (): Promise<void> => this.close();
    context.closers.add(close);
    this.#forget = () => void context.closers.delete(close);
    this.#campaign = this.#run();
  }

  /** Whether this process leads, by the monotonic clock. */
  get leading(): boolean {
    return this.#lease?.held ?? false;
  }

  /** The fencing token of the present leadership; undefined while it does not lead. */
  get fence(): number | undefined {
    return this.#lease?.fence;
  }

  /** Stops leading, waits up to 5 s for `onLeader`, and lets the next one lead at once. May be called twice. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#campaign;
    this.#forget();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const { clock, logger, queue } = this.#context;
    const onError = (error: unknown, inMs: number): void => {
      if (isHopeless(error)) throw error;
      logger.warn(`election "${this.name}": the store cannot be asked, trying again`, { error, inMs });
    };
    try {
      while (!signal.aborted) {
        const lease = await retry(clock, { ...retryPauses, onError }, signal, () => queue.take(this.#request, signal));
        if (lease) await this.#lead(lease);
      }
    } catch (error) {
      logger.error(`election "${this.name}" ended`, { error });
    }
  }

  /** Leads until the lease is lost, the election is closed, or the handler throws. */
  async #lead(lease: HeldLease): Promise<void> {
    const stop = new AbortController();
    const stopped = new Promise<void>((resolve) =>
      stop.signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    const onClose = (): void => stop.abort(this.#closing.signal.reason);
    lease.onLost((reason) => stop.abort(reason));
    this.#closing.signal.addEventListener('abort', onClose, { once: true });
    if (this.#closing.signal.aborted) onClose();
    this.#lease = lease;
    const failed = { error: undefined as unknown };
    const work = this.#call(stop.signal, lease.fence).catch((error: unknown) => {
      if (stop.signal.aborted) return this.#endedBy(error);
      failed.error = error;
      stop.abort(error);
    });
    await stopped;
    await this.#within(work);
    this.#closing.signal.removeEventListener('abort', onClose);
    this.#lease = undefined;
    const released = this.#context.queue.release(lease, this.#request);
    await withDeadline(this.#context.clock, goodbye, released, () => undefined).catch(() => false); // it runs out
    if (failed.error !== undefined) await this.#stepBack(failed.error);
  }

  async #call(signal: AbortSignal, fence: number): Promise<void> {
    if (!signal.aborted) await this.#onLeader(signal, fence);
  }

  /** Whoever heeds the signal often ends with an error, as fetch does: that is no failure to lead. */
  #endedBy(error: unknown): void {
    this.#context.logger.debug(`election "${this.name}": onLeader threw after its signal was aborted`, { error });
  }

  #within(work: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#context.clock.after(stopGrace, resolve);
      void work.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** Another process may do better: this one waits for as long as a lease lasts. */
  async #stepBack(error: unknown): Promise<void> {
    const { clock, logger } = this.#context;
    if (this.#closing.signal.aborted) return;
    logger.error(`election "${this.name}": onLeader threw, stepping down`, { error });
    await sleep(clock, this.#request.ttl, this.#closing.signal).catch(() => {}); // closing ends the wait
  }
}

/** A broker without leases will not get them, and a closed app stays closed. */
function isHopeless(error: unknown): boolean {
  return error instanceof LovageError && (error instanceof NotSupportedError || error.code === 'CLOSED');
}
