import type { LeaseGuard, LeaseGuardPlan } from '../../driver/lease-guard.ts';
import { type OverdueTask, overdueTasks } from './limit-table.ts';
import { counters } from './shared-counters.ts';

/** What a watchman is told when it starts. Durations in milliseconds. */
export interface LeaseRenewalSettings {
  readonly counters: Int32Array<SharedArrayBuffer>;
  /** The hard limits of the tasks that run: see {@link LimitTable}. */
  readonly limits: SharedArrayBuffer;
  /** How often the event loop beats, and the watchman looks. */
  readonly interval: number;
  /** A loop that has not beaten for so long is blocked. */
  readonly threshold: number;
  /** How often leases are renewed meanwhile. */
  readonly renewal: number;
  /** After so long a block the leases are let go. */
  readonly maxEventLoopBlock: number;
  /** How long after its hard limit a task may still block the loop. */
  readonly grace: number;
}

/** What a watchman can do beside looking. */
export interface LeaseRenewalTools {
  /** Opens what a plan describes. */
  open(plan: LeaseGuardPlan): Promise<LeaseGuard>;
  /**
   * Reports tasks that block the loop beyond their hard limit, or, with none, a block beyond `maxEventLoopBlock`; ends the process
   * where that is wanted. Once in each block.
   */
  report(overdue: readonly OverdueTask[]): void;
}

/**
 * Stands beside the event loop, in a thread of its own, and looks whether it beats. While it does not, no timer fires there and
 * no lease is renewed, though its tasks run: the watchman renews them, up to a longest block, since a loop that never
 * comes back must not keep its tasks. A task that blocks it beyond its hard time limit is reported, and loses its lease.
 */
export class LeaseRenewalThread {
  readonly #settings: LeaseRenewalSettings;
  readonly #tools: LeaseRenewalTools;
  #limits: SharedArrayBuffer;
  #plan: LeaseGuardPlan | undefined;
  #guard: Promise<LeaseGuard> | undefined;
  #renewing = false;
  #beat = 0;
  #beatenAt: number;
  #checkedAt: number;
  #renewedAt = Number.NEGATIVE_INFINITY;
  #blocked = false;
  #reported = false;

  constructor(settings: LeaseRenewalSettings, tools: LeaseRenewalTools, now: number) {
    this.#settings = settings;
    this.#tools = tools;
    this.#limits = settings.limits;
    this.#beatenAt = now;
    this.#checkedAt = now;
  }

  /** What it renews from now on. */
  follow(plan: LeaseGuardPlan | undefined): void {
    this.#plan = plan;
    this.#stop();
  }

  /** Where the hard limits are from now on. */
  setLimits(limits: SharedArrayBuffer): void {
    this.#limits = limits;
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
    const { counters: memory, maxEventLoopBlock, renewal } = this.#settings;
    if (!this.#blocked) {
      this.#blocked = true;
      this.#reported = false;
      this.#renewedAt = Number.NEGATIVE_INFINITY;
      Atomics.store(memory, counters.renewals, 0);
      Atomics.store(memory, counters.culprit, Atomics.load(memory, counters.entered));
    }
    this.#checkLimits(now);
    if (this.#reported || now - this.#beatenAt > maxEventLoopBlock) return this.#stop();
    if (now - this.#renewedAt < renewal || this.#renewing || this.#plan === undefined) return;
    this.#renewedAt = now;
    void this.#renew(this.#plan);
  }

  #checkLimits(now: number): void {
    if (this.#reported) return;
    const { counters: memory, grace, maxEventLoopBlock } = this.#settings;
    const overdue = overdueTasks(this.#limits, { grace, entered: Atomics.load(memory, counters.entered) });
    const tooLong = maxEventLoopBlock > 0 && now - this.#beatenAt > maxEventLoopBlock;
    if (overdue.length === 0 && !tooLong) return;
    this.#reported = true;
    this.#tools.report(overdue);
  }

  /** Never rejects. What cannot be renewed now is tried at the next look. */
  async #renew(plan: LeaseGuardPlan): Promise<void> {
    this.#renewing = true;
    try {
      this.#guard ??= this.#tools.open(plan);
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
