import { Worker as Thread } from 'node:worker_threads';
import { systemClock, type Timer } from '../../clock.ts';
import type { LeaseGuardPlan } from '../../driver/lease-guard.ts';
import type { Logger } from '../../logger.ts';
import type { Message } from '../../message/message.ts';
import type { LeaseRenewalSettings } from './lease-renewal-thread.ts';
import { counters, createSharedCounters } from './shared-counters.ts';

/** What a watch over the event loop needs. */
export interface LoopWatchOptions {
  readonly logger: Logger;
  /** How long a lease lasts, in milliseconds. */
  readonly leaseDuration: number;
  /** How long the loop may be blocked before the leases of its tasks are let go, in milliseconds; 0: no watchman. */
  readonly longestBlock: number;
  /** The names of the tasks that run. */
  readonly running: () => readonly string[];
}

/** A block of that length is worth a line in the log, in milliseconds. */
const noteworthy = 1_000;
/** Handlers whose synchronous part began last and are remembered by their number; a power of two. */
const remembered = 64;
/** The lag that is told is the worst of the last one or two such spans, in milliseconds. */
const span = 5_000;

/** The program of the watchman, beside this file, compiled: threads load no TypeScript of ours. */
const program = new URL(
  import.meta.url.endsWith('.ts')
    ? '../../../dist/worker/loop/lease-renewal-thread-main.js'
    : './lease-renewal-thread-main.js',
  import.meta.url,
);

/**
 * Watches the event loop of the worker's process: how late its timers are, which task has blocked it, and, through a
 * watchman in a thread, that its tasks keep their leases meanwhile. For a task it costs two writes to memory.
 */
export class LoopWatch {
  readonly #options: LoopWatchOptions;
  readonly #counters = createSharedCounters();
  readonly #interval: number;
  readonly #entered: { id: string; task: string }[] = Array.from({ length: remembered }, () => ({ id: '', task: '' }));
  #timer: Timer | undefined;
  #thread: Thread | undefined;
  #number = 0;
  #beatenAt = systemClock.monotonic();
  #worst = 0;
  #worstBefore = 0;
  #spanEndsAt = 0;

  constructor(options: LoopWatchOptions) {
    this.#options = options;
    this.#interval = Math.min(500, Math.max(20, options.leaseDuration / 20));
  }

  /** The worst delay of a timer in the last seconds, in milliseconds. */
  get lag(): number {
    return Math.round(Math.max(this.#worst, this.#worstBefore));
  }

  /** Watches from now on, and lets a watchman keep the leases of this plan; undefined: the driver needs none. May be called again. */
  guard(plan: LeaseGuardPlan | undefined): void {
    if (this.#timer === undefined) {
      this.#beatenAt = systemClock.monotonic();
      this.#timer = this.#arm();
    }
    if (plan === undefined || this.#options.longestBlock <= 0) return;
    this.#thread ??= this.#start();
    try {
      this.#thread.postMessage(plan);
    } catch (error) {
      this.#lose(error); // TLS options may hold functions, which no thread can be given
    }
  }

  /** A handler's synchronous part begins. */
  enter({ id, task }: Message): void {
    this.#number = (this.#number + 1) & 0x3fffffff || 1;
    const slot = this.#entered[this.#number % remembered] as { id: string; task: string };
    slot.id = id;
    slot.task = task;
    this.#counters[counters.entered] = this.#number;
  }

  /** It has ended. */
  leave(): void {
    this.#counters[counters.entered] = 0;
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    await this.#thread?.terminate();
    this.#thread = undefined;
  }

  /** By the real clock, whatever the app's is: the loop is real. */
  #arm(): Timer {
    return systemClock.after(this.#interval, () => this.#beat(), { background: true });
  }

  #start(): Thread {
    const { leaseDuration, longestBlock } = this.#options;
    const settings: LeaseRenewalSettings = {
      counters: this.#counters,
      interval: this.#interval,
      threshold: Math.min(4 * this.#interval, leaseDuration / 5),
      renewal: leaseDuration / 4,
      longestBlock,
    };
    const thread = new Thread(program, {
      workerData: settings,
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 64 },
    });
    thread.on('error', (error) => this.#lose(error));
    thread.unref();
    return thread;
  }

  #lose(error: unknown): void {
    this.#options.logger.warn('nobody keeps the leases of tasks that block the event loop: the watchman is off', {
      error,
    });
  }

  #beat(): void {
    const now = systemClock.monotonic();
    const late = now - this.#beatenAt - this.#interval;
    this.#beatenAt = now;
    if (now >= this.#spanEndsAt) {
      this.#spanEndsAt = now + span;
      this.#worstBefore = this.#worst;
      this.#worst = 0;
    }
    this.#worst = Math.max(this.#worst, late);
    if (late >= noteworthy) this.#tell(late);
    Atomics.add(this.#counters, counters.beat, 1);
    this.#timer = this.#arm();
  }

  /** The watchman has seen which handler was in its synchronous part; what blocks after an `await` is one of those that run. */
  #tell(late: number): void {
    const { logger, running } = this.#options;
    const culprit = Atomics.exchange(this.#counters, counters.culprit, 0);
    const { id, task } = this.#entered[culprit % remembered] as { id: string; task: string };
    const who = culprit === 0 ? { running: [...new Set(running())].slice(0, 10) } : { task, taskId: id };
    const renewals = Atomics.exchange(this.#counters, counters.renewals, 0);
    logger.warn('the event loop was blocked: give tasks that compute for long the pool threads', {
      forMs: Math.round(late),
      ...who,
      leaseRenewals: renewals,
    });
  }
}
