import type { LeaseGuard, LeaseGuardPlan } from '../../driver/lease-guard.ts';
import { counters } from './shared-counters.ts';

/** What a watchman is told when it starts. Durations in milliseconds. */
export interface LeaseRenewalSettings {
  readonly counters: Int32Array<SharedArrayBuffer>;
  /** How often the event loop beats, and the watchman looks. */
  readonly interval: number;
  /** A loop that has not beaten for so long is blocked. */
  readonly threshold: number;
  /** How often leases are renewed meanwhile. */
  readonly renewal: number;
  /** After so long a block the leases are let go. */
  readonly longestBlock: number;
}

/** Opens what a plan describes. */
export type OpenGuard = (plan: LeaseGuardPlan) => Promise<LeaseGuard>;

/**
 * Stands beside the event loop, in a thread of its own, and looks whether it beats. While it does not, no timer fires there and
 * no lease is renewed, though its tasks run: the watchman renews them, up to a longest block, since a loop that never
 * comes back must not keep its tasks.
 */
export class LeaseRenewalThread {
  readonly #settings: LeaseRenewalSettings;
  readonly #open: OpenGuard;
  #plan: LeaseGuardPlan | undefined;
  #guard: Promise<LeaseGuard> | undefined;
  #renewing = false;
  #beat = 0;
  #beatenAt: number;
  #checkedAt: number;
  #renewedAt = Number.NEGATIVE_INFINITY;
  #blocked = false;

  constructor(settings: LeaseRenewalSettings, open: OpenGuard, now: number) {
    this.#settings = settings;
    this.#open = open;
    this.#beatenAt = now;
    this.#checkedAt = now;
  }

  /** What it renews from now on. */
  follow(plan: LeaseGuardPlan | undefined): void {
    this.#plan = plan;
    this.#stop();
  }

  /** Called once in each interval. */
  look(now: number): void {
    const { interval, threshold } = this.#settings;
    const stoodStill = now - this.#checkedAt > 3 * interval + 100; // the whole process did: no block, and nothing to renew
    this.#checkedAt = now;
    const beat = Atomics.load(this.#settings.counters, counters.beat);
    if (beat !== this.#beat || stoodStill) {
      this.#beat = beat;
      this.#beatenAt = now;
      if (this.#blocked) this.#stop();
      this.#blocked = false;
    } else if (now - this.#beatenAt >= threshold) this.#startRenewing(now);
  }

  #startRenewing(now: number): void {
    const { counters: memory, longestBlock, renewal } = this.#settings;
    if (!this.#blocked) {
      this.#blocked = true;
      this.#renewedAt = Number.NEGATIVE_INFINITY;
      Atomics.store(memory, counters.renewals, 0);
      Atomics.store(memory, counters.culprit, Atomics.load(memory, counters.entered));
    }
    if (now - this.#beatenAt > longestBlock) return this.#stop();
    if (now - this.#renewedAt < renewal || this.#renewing || this.#plan === undefined) return;
    this.#renewedAt = now;
    void this.#renew(this.#plan);
  }

  /** Never rejects. What cannot be renewed now is tried at the next look. */
  async #renew(plan: LeaseGuardPlan): Promise<void> {
    this.#renewing = true;
    try {
      this.#guard ??= this.#open(plan);
      const guard = await this.#guard;
      await guard.renew();
      Atomics.add(this.#settings.counters, counters.renewals, 1);
    } catch {
      this.#renewedAt = Number.NEGATIVE_INFINITY;
      this.#stop();
    } finally {
      this.#renewing = false;
    }
  }

  #stop(): void {
    const guard = this.#guard;
    this.#guard = undefined;
    guard?.then((opened) => opened.close()).catch(() => undefined); // it never opened
  }
}
