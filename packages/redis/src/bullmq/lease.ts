import { LeaseLostError } from '@lovage/core/driver';

/** The lease on one delivery: BullMQ's lock of a job, held with a token. */
export class Lease {
  readonly jobId: string;
  /** What the lock holds. */
  readonly token: string;
  /** When it was last known to be held, by the monotonic clock. */
  renewedAt: number;
  #lost = false;
  #listeners: (() => void)[] | undefined;

  constructor(jobId: string, token: string) {
    this.jobId = jobId;
    this.token = token;
    this.renewedAt = performance.now();
  }

  get lost(): boolean {
    return this.#lost;
  }

  onLost(listener: () => void): void {
    if (this.#lost) listener();
    else if (this.#listeners) this.#listeners.push(listener);
    else this.#listeners = [listener];
  }

  /** Tells the listeners, once. */
  lose(): void {
    this.#lost = true;
    const listeners = this.#listeners;
    this.#listeners = undefined;
    for (const listener of listeners ?? []) listener();
  }
}

/** Asks the store to renew locks; answers with the ids of those it could not. */
export type Renew = (jobIds: string[], tokens: string[]) => Promise<readonly string[]>;

/**
 * Renews the leases of one queue's deliveries until they end. BullMQ's own LockManager is not used: it knows jobs by id,
 * so when a worker takes a job again whose lease it lost, the end of the first run stops the renewal of the second
 *; and it stops renewing before a job is completed, not after.
 */
export class LeaseKeeper {
  readonly #leases = new Set<Lease>();
  readonly #renew: Renew;
  readonly #duration: number;
  readonly #onError: (error: Error) => void;
  readonly #timer: NodeJS.Timeout;

  constructor(renew: Renew, duration: number, onError: (error: Error) => void) {
    this.#renew = renew;
    this.#duration = duration;
    this.#onError = onError;
    this.#timer = setInterval(() => void this.#tick(), Math.max(10, duration / 4)); // #tick never rejects
  }

  keep(lease: Lease): void {
    this.#leases.add(lease);
  }

  drop(lease: Lease): void {
    this.#leases.delete(lease);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #tick(): Promise<void> {
    const now = performance.now();
    const due = [...this.#leases].filter((lease) => now - lease.renewedAt >= this.#duration / 4);
    if (due.length === 0) return;
    for (const lease of due) lease.renewedAt = now;
    try {
      const refused = new Set(
        await this.#renew(
          due.map((lease) => lease.jobId),
          due.map((lease) => lease.token),
        ),
      );
      for (const lease of due) {
        if (refused.has(lease.jobId) && this.#leases.has(lease)) this.#lose(lease); // else settled meanwhile
      }
    } catch (error) {
      this.#onError(error as Error); // asked again at the next tick
    }
  }

  #lose(lease: Lease): void {
    this.#leases.delete(lease);
    this.#onError(new LeaseLostError(lease.jobId));
    lease.lose();
  }
}
