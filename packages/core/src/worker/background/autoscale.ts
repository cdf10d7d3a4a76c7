import type { Clock, Timer } from '../../clock.ts';
import { ConfigurationError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { limits } from '../../options/limits.ts';
import { wholeNumber } from '../../options/option-reader.ts';

/** Between which bounds a worker's slots follow its load. */
export interface AutoscaleLimits {
  readonly max: number;
  readonly min: number;
}

/** How busy a worker is. */
export interface Load {
  readonly slots: number;
  readonly running: number;
  /** Messages that wait in its queues; only looked at when all slots are busy. */
  readonly waiting: number;
}

/** What the policy remembers: since when not all slots were busy, and how many were at most. */
export interface Slack {
  /** Monotonic milliseconds. */
  readonly since: number;
  readonly peak: number;
}

/** How long slots must have been idle before they go. Celery's autoscaler waits as long. */
export const idleAfter = 30_000;

/** Checked limits. Throws {@link ConfigurationError}. */
export function readLimits({ max, min }: AutoscaleLimits, where: string): AutoscaleLimits {
  const slots = wholeNumber(1, limits.slots);
  const read = { max: slots(max, `${where}: max`), min: slots(min, `${where}: min`) };
  if (read.min > read.max) throw new ConfigurationError(`${where}: min ${min} is above max ${max}`);
  return read;
}

/**
 * The slots that fit the load. All busy and messages waiting: up to twice as many, at once. Some idle for 30 s on end:
 * as many as were busy at most in that time. Always within the limits.
 */
export function fitSlots(
  { slots, running, waiting }: Load,
  { max, min }: AutoscaleLimits,
  slack: { readonly before: Slack | undefined; readonly now: number },
): { readonly slots: number; readonly slack: Slack | undefined } {
  const bound = (wanted: number): number => Math.min(max, Math.max(min, wanted));
  if (running >= slots)
    return { slots: bound(waiting > 0 ? slots + Math.min(waiting, slots) : slots), slack: undefined };
  const since = slack.before?.since ?? slack.now;
  const peak = Math.max(slack.before?.peak ?? 0, running);
  if (slack.now - since < idleAfter) return { slots: bound(slots), slack: { since, peak } };
  return { slots: bound(peak), slack: { since: slack.now, peak: running } };
}

/** As much of a worker as scaling needs. */
export interface Scalable {
  load(): Pick<Load, 'slots' | 'running'>;
  setSlots(slots: number): void;
  /** Messages that wait in its queues. */
  waiting(): Promise<number>;
}

const interval = 1_000;

/** Fits a worker's slots to its load once a second. The broker is only asked while all slots are busy. */
export class Autoscaler {
  readonly #worker: Scalable;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #limits: AutoscaleLimits;
  #slack: Slack | undefined;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(worker: Scalable, limits: AutoscaleLimits, { clock, logger }: { clock: Clock; logger: Logger }) {
    this.#worker = worker;
    this.#limits = limits;
    this.#clock = clock;
    this.#logger = logger;
    this.#arm();
  }

  setLimits(limits: AutoscaleLimits): void {
    this.#limits = limits;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    this.#timer = this.#clock.after(
      interval,
      () => {
        void this.#fit().finally(() => this.#stopped || this.#arm()); // never rejects
      },
      { background: true },
    );
  }

  async #fit(): Promise<void> {
    const { slots, running } = this.#worker.load();
    const busy = running >= slots && slots < this.#limits.max;
    // a broker that does not answer is no reason to grow
    const waiting = busy ? await this.#worker.waiting().catch(() => 0) : 0;
    const fit = fitSlots({ slots, running, waiting }, this.#limits, {
      before: this.#slack,
      now: this.#clock.monotonic(),
    });
    this.#slack = fit.slack;
    if (this.#stopped || fit.slots === slots) return;
    this.#worker.setSlots(fit.slots);
    this.#logger.info(fit.slots > slots ? 'grown' : 'shrunk', { slots: fit.slots, before: slots, running, waiting });
  }
}
