import type { Clock, Timer } from '../clock.ts';
import type { LeaseStore } from '../driver/lease-store.ts';
import { LockLostError } from '../errors.ts';
import { newTaskId } from '../message/task-id.ts';

/** What a lease needs of its surroundings. */
export interface LeaseContext {
  readonly clock: Clock;
  readonly leases: LeaseStore;
}

/** Which lease, and for how long (milliseconds). `label` is its name for people. */
export interface LeaseRequest {
  readonly name: string;
  readonly label: string;
  readonly ttl: number;
}

/** When a lease was asked for, by the monotonic clock, and for how long. */
interface Asked {
  readonly sent: number;
  readonly ttl: number;
}

/** Renewed three times within its time, so that one lost reply costs nothing. */
const renewals = 3;
/** The part of its time for which a lease is trusted: the rest is for clocks that run at different speeds. */
const trusted = 0.9;

/**
 * A lease that this process holds and renews. It is trusted until a moment of the monotonic clock, counted from *before*
 * the last successful request was sent; then it counts as lost, whatever the store says later. A pause of the process
 * (garbage collection, SIGSTOP) can outlast that: work that must not be done twice checks the fence where it is done.
 */
export class HeldLease {
  /** Larger than that of every grant before. */
  readonly fence: number;
  readonly #context: LeaseContext;
  readonly #request: LeaseRequest;
  readonly #owner: string;
  #ttl: number;
  /** When the request was sent that it is trusted by. */
  #asked: number;
  #trustedUntil: number;
  #renewal: Timer | undefined;
  #expiry: Timer | undefined;
  #lost: LockLostError | undefined;
  #ended = false;
  readonly #losers = new Set<(reason: LockLostError) => void>();

  /** The lease, or undefined while another holds it. Rejects when the store cannot be asked. */
  static async take(context: LeaseContext, request: LeaseRequest): Promise<HeldLease | undefined> {
    const owner = newTaskId();
    const sent = context.clock.monotonic();
    let granted: { readonly token: number } | undefined;
    try {
      granted = await context.leases.acquire(request.name, owner, request.ttl);
    } catch (error) {
      context.leases.release(request.name, owner).catch(() => {}); // its reply may be what was lost; else it runs out
      throw error;
    }
    if (granted === undefined) return undefined;
    return new HeldLease(context, request, { owner, fence: granted.token, sent });
  }

  private constructor(
    context: LeaseContext,
    request: LeaseRequest,
    grant: { readonly owner: string; readonly fence: number; readonly sent: number },
  ) {
    this.#context = context;
    this.#request = request;
    this.#owner = grant.owner;
    this.fence = grant.fence;
    this.#ttl = request.ttl;
    this.#asked = grant.sent;
    this.#trustedUntil = grant.sent;
    this.#trust({ sent: grant.sent, ttl: request.ttl });
  }

  /** Whether it may still be trusted; asks no timer, so that a process that was paused gets the true answer. */
  get held(): boolean {
    return !this.#ended && this.#context.clock.monotonic() < this.#trustedUntil;
  }

  /** Why it was lost; undefined while it was not. */
  get lost(): LockLostError | undefined {
    if (!(this.#ended || this.held)) this.#lose('it was not renewed in time');
    return this.#lost;
  }

  /** Calls `listener` once when the lease is lost; at once when it is lost already. */
  onLost(listener: (reason: LockLostError) => void): void {
    if (this.#lost) listener(this.#lost);
    else this.#losers.add(listener);
  }

  /** Renews now, from now on for `ttl` milliseconds at a time. False: it was lost. Rejects when the store cannot be asked. */
  async extend(ttl: number): Promise<boolean> {
    if (this.lost) return false;
    this.#ttl = ttl;
    await this.#renew();
    return this.held;
  }

  /** Stops renewing and gives it back. False: it was another's by then. */
  async release(): Promise<boolean> {
    const held = this.held;
    this.abandon();
    const released = await this.#context.leases.release(this.#request.name, this.#owner);
    return released && held;
  }

  /** Stops renewing and lets it run out. */
  abandon(): void {
    this.#ended = true;
    this.#renewal?.cancel();
    this.#expiry?.cancel();
  }

  /** The last request counts, also one for a shorter time. */
  #trust(asked: Asked): void {
    if (asked.sent >= this.#asked) this.#trustUntil(asked);
    this.#renewLater(Math.ceil(this.#ttl / renewals));
  }

  #trustUntil(asked: Asked): void {
    const { clock } = this.#context;
    this.#asked = asked.sent;
    this.#trustedUntil = trustOf(asked);
    this.#expiry?.cancel();
    this.#expiry = clock.after(this.#trustedUntil - clock.monotonic(), this.#expire, {
      background: true,
      maintenance: false,
    });
  }

  #renewLater(ms: number): void {
    this.#renewal?.cancel();
    if (this.#ended) return; // while a renewal was under way
    const again = (): void => this.#renewLater(Math.ceil(this.#ttl / (renewals * renewals)));
    this.#renewal = this.#context.clock.after(ms, () => void this.#renew().catch(again), {
      background: true,
      maintenance: false,
    });
  }

  async #renew(): Promise<void> {
    const asked = { sent: this.#context.clock.monotonic(), ttl: this.#ttl }; // an extend may change that one meanwhile
    if (trustOf(asked) < this.#trustedUntil) this.#shorten(asked);
    const kept = await this.#context.leases.renew(this.#request.name, this.#owner, asked.ttl);
    if (this.#ended) return;
    if (kept) this.#trust(asked);
    else this.#lose('its time ran out before it was renewed');
  }

  /** Answered or not, the store may keep it no longer than that. */
  #shorten(asked: Asked): void {
    this.#trustUntil(asked);
    this.#renewLater(Math.ceil(this.#ttl / renewals));
  }

  /** A timer may come early by a fraction, never the judgement. */
  readonly #expire = (): void => {
    if (this.#ended) return;
    if (!this.held) return this.#lose('it was not renewed in time');
    const { clock } = this.#context;
    this.#expiry = clock.after(this.#trustedUntil - clock.monotonic(), this.#expire, {
      background: true,
      maintenance: false,
    });
  };

  #lose(why: string): void {
    if (this.#ended) return;
    this.abandon();
    this.#lost = new LockLostError(this.#request.label, why);
    for (const listener of this.#losers) listener(this.#lost);
    this.#losers.clear();
  }
}

function trustOf({ sent, ttl }: Asked): number {
  return sent + Math.floor(ttl * trusted);
}
