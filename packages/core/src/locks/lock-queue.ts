import { onAbort } from '../abort-signal.ts';
import type { Clock } from '../clock.ts';
import { ClosedError, NotSupportedError } from '../errors.ts';
import type { Stores } from '../stores/stores.ts';
import { HeldLease, type LeaseContext, type LeaseRequest } from './lock-lease.ts';
import { LockReleaseNotifier } from './lock-release-notifier.ts';

/** Those of this process who want one lease: only the first of them asks the store. */
interface Line {
  readonly notifier: LockReleaseNotifier;
  readonly waiting: (() => void)[];
  busy: boolean;
}

/**
 * Where the locks and elections of one app wait for their leases. Within a process they are served in the order they
 * came; between processes whoever asks first after a release, since a release rings for all alike.
 */
export class LeaseQueue {
  readonly #clock: Clock;
  readonly #stores: Stores;
  readonly #lines = new Map<string, Line>();
  #closed = false;

  constructor(clock: Clock, stores: Stores) {
    this.#clock = clock;
    this.#stores = stores;
  }

  /**
   * Waits for a lease until `signal` aborts; then, or when `once` and it is not free, undefined. Rejects when the store
   * cannot be asked. Throws {@link NotSupportedError} where the broker has no leases.
   */
  async take(request: LeaseRequest, signal?: AbortSignal, once = false): Promise<HeldLease | undefined> {
    const context = await this.#context();
    const line = this.#lineOf(request.name);
    if (once && line.busy) return undefined;
    if (!(await this.#turn(line, signal))) return undefined;
    try {
      return once ? await HeldLease.take(context, request) : await this.#contend(context, request, line, signal);
    } finally {
      this.#leave(request.name, line);
    }
  }

  /** Gives a lease back and rings. False: it was lost before. */
  async release(lease: HeldLease, request: LeaseRequest): Promise<boolean> {
    const released = await lease.release();
    await this.#lineOf(request.name).notifier.notify();
    this.#forget(request.name);
    return released;
  }

  /** Ends the waits: their signals are their owners' business, so it only refuses new ones. */
  close(): void {
    this.#closed = true;
  }

  async #contend(
    context: LeaseContext,
    request: LeaseRequest,
    { notifier }: Line,
    signal: AbortSignal | undefined,
  ): Promise<HeldLease | undefined> {
    for (let listens = false; !signal?.aborted; ) {
      const seen = notifier.count;
      const lease = await HeldLease.take(context, request);
      if (lease && !lease.lost) return this.#unlessTooLate(lease, request, signal);
      if (lease)
        await this.release(lease, request).catch(() => {}); // the answer took longer than its time: once more
      else if (listens) await notifier.next(seen, signal);
      else {
        listens = true;
        await notifier.listen();
      }
    }
    return undefined;
  }

  async #unlessTooLate(lease: HeldLease, request: LeaseRequest, signal: AbortSignal | undefined) {
    if (!signal?.aborted) return lease;
    await this.release(lease, request).catch(() => {}); // it runs out
    return undefined;
  }

  /** Resolves with true when it is this one's turn to ask the store, with false when `signal` aborts before. */
  #turn(line: Line, signal: AbortSignal | undefined): Promise<boolean> | boolean {
    if (signal?.aborted) return false;
    if (!line.busy) {
      line.busy = true;
      return true;
    }
    return new Promise((resolve) => {
      const called = (): void => {
        forget?.();
        resolve(true);
      };
      const gone = (): void => {
        line.waiting.splice(line.waiting.indexOf(called), 1);
        resolve(false);
      };
      line.waiting.push(called);
      const forget = signal && onAbort(signal, gone);
    });
  }

  #leave(name: string, line: Line): void {
    const next = line.waiting.shift();
    if (next) return next();
    line.busy = false;
    this.#forget(name);
  }

  #forget(name: string): void {
    const line = this.#lines.get(name);
    if (line === undefined || line.busy) return;
    line.notifier.close();
    this.#lines.delete(name);
  }

  #lineOf(name: string): Line {
    const known = this.#lines.get(name);
    if (known) return known;
    const line: Line = {
      notifier: new LockReleaseNotifier(name, this.#stores.current?.bus, this.#clock),
      waiting: [],
      busy: false,
    };
    this.#lines.set(name, line);
    return line;
  }

  async #context(): Promise<LeaseContext> {
    if (this.#closed) throw new ClosedError('the app');
    const { leases } = this.#stores.current ?? (await this.#stores.open());
    if (leases) return { clock: this.#clock, leases };
    throw new NotSupportedError(
      `${this.#stores.display} keeps no leases: locks, elections and beat need a broker that does`,
    );
  }
}
