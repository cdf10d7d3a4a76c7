import { systemClock, type Timer } from '../../clock.ts';
import type { LeaseGuardPlan, LeaseGuardSource } from '../../driver/lease-guard.ts';
import type { LogFields, Logger } from '../../logger.ts';
import type { Message } from '../../message/message.ts';
import { type BlockedLimitAction, blockedExitCode, describeBlock, listenForBlocks } from './blocked-loop.ts';
import { LimitTable, type OverdueTask } from './limit-table.ts';
import { LoopThread } from './loop-thread.ts';
import { counters, createSharedCounters } from './shared-counters.ts';

/** What a watch over the event loop needs. */
export interface LoopWatchOptions {
  readonly logger: Logger;
  /** How long a lease lasts, in milliseconds. */
  readonly leaseDuration: number;
  /** How long the loop may be blocked before the leases of its tasks are let go, in milliseconds; 0: none is renewed meanwhile. */
  readonly maxEventLoopBlock: number;
  /** How long after its hard limit a task may block the loop, in milliseconds. */
  readonly timeLimitGrace: number;
  /** What is done then. */
  readonly onBlockedLimit: BlockedLimitAction;
  /** Where the program of the thread is. @default beside this package's files */
  readonly threadFile?: string | URL | undefined;
  /** The names of the tasks that run. */
  readonly running: () => readonly string[];
}

/** A block of that length is worth a line in the log, in milliseconds. */
const noteworthy = 1_000;
/** Handlers whose synchronous part began last and are remembered by their number; a power of two. */
const remembered = 64;
/** The lag that is told is the worst of the last one or two such spans, in milliseconds. */
const span = 5_000;

/** Numbers the watches of this process. */
let watches = 0;

/**
 * Watches the event loop of the worker's process: how late its timers are, which task has blocked it, and, through a
 * thread beside it, that its tasks keep their leases meanwhile and not their hard limits. For a task it costs two writes to memory.
 */
export class LoopWatch {
  readonly #options: LoopWatchOptions;
  readonly #counters = createSharedCounters();
  readonly #interval: number;
  readonly #entered: { id: string; task: string }[] = Array.from({ length: remembered }, () => ({ id: '', task: '' }));
  readonly #limits = new LimitTable((memory) => this.#thread.share(memory));
  readonly #thread: LoopThread;
  readonly #stopListening: () => void;
  #timer: Timer | undefined;
  #number = 0;
  #beatenAt = systemClock.monotonic();
  #worst = 0;
  #worstBefore = 0;
  #spanEndsAt = 0;
  #warned = false;

  constructor(options: LoopWatchOptions) {
    this.#options = options;
    this.#interval = Math.min(500, Math.max(20, options.leaseDuration / 20));
    watches += 1;
    const { logger, threadFile: file, onBlockedLimit: action } = options;
    this.#thread = new LoopThread({ logger, file, action, number: watches, setup: () => this.#setup() });
    this.#stopListening = listenForBlocks(watches, (overdue) => this.#onOverdue(overdue));
  }

  /** The worst delay of a timer in the last seconds, in milliseconds. */
  get lag(): number {
    return Math.round(Math.max(this.#worst, this.#worstBefore));
  }

  /**
   * Resolves when leases can be renewed while the loop is blocked; at once where the driver needs or the settings want no
   * such thing. Throws {@link ConfigurationError}: a worker must not run without it unless it was told to.
   */
  async prepare(source: LeaseGuardSource | undefined): Promise<void> {
    if (source !== undefined && this.#options.maxEventLoopBlock > 0) await this.#thread.prepare(source);
  }

  /** Watches from now on, and has the leases of this plan renewed while the loop is blocked. May be called again. Throws {@link ConfigurationError}. */
  guard(plan: LeaseGuardPlan | undefined): void {
    if (this.#timer === undefined) {
      this.#beatenAt = systemClock.monotonic();
      this.#timer = this.#arm();
    }
    if (plan !== undefined && this.#options.maxEventLoopBlock > 0) this.#thread.follow(plan);
  }

  /** A task with a hard limit (in milliseconds) begins. Returns its number, for {@link endLimit}. */
  beginLimit(message: Message, limit: number): number | undefined {
    try {
      this.#thread.start(); // for the first such task of a driver that needs no thread; once it is there, this is a comparison
    } catch (error) {
      this.#warnOnce(error);
    }
    return this.#limits.begin(message, limit);
  }

  endLimit(slot: number | undefined): void {
    if (slot !== undefined) this.#limits.end(slot);
  }

  /** A handler's synchronous part begins. */
  enter({ id, task }: Message, limit?: number): void {
    this.#number = (this.#number + 1) & 0x3fffffff || 1;
    const slot = this.#entered[this.#number % remembered] as { id: string; task: string };
    slot.id = id;
    slot.task = task;
    if (limit !== undefined) this.#limits.enter(limit, this.#number);
    this.#counters[counters.entered] = this.#number;
  }

  /** It has ended. */
  leave(): void {
    this.#counters[counters.entered] = 0;
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#stopListening();
    await this.#thread.close();
  }

  /** By the real clock, whatever the app's is: the loop is real. */
  #arm(): Timer {
    return systemClock.after(this.#interval, () => this.#beat(), { background: true });
  }

  #setup(): ReturnType<ConstructorParameters<typeof LoopThread>[0]['setup']> {
    const { leaseDuration, maxEventLoopBlock, timeLimitGrace } = this.#options;
    return {
      counters: this.#counters,
      limits: this.#limits.memory,
      interval: this.#interval,
      threshold: Math.min(4 * this.#interval, leaseDuration / 5),
      renewal: leaseDuration / 4,
      maxEventLoopBlock,
      grace: timeLimitGrace,
    };
  }

  /** On the blocked loop itself, by the thread. */
  #onOverdue(overdue: readonly OverdueTask[]): void {
    const { logger, onBlockedLimit: action } = this.#options;
    const [first, ...others] = overdue;
    const culprit = this.#suspects(Atomics.load(this.#counters, counters.entered));
    const known =
      others.length === 0 ? first && { task: first.task, taskId: first.id } : { tasks: overdue.slice(0, 10) };
    logger.error(describeBlock(action, overdue), known ?? culprit);
    if (action === 'exit') process.exit(blockedExitCode); // asked for: see the option onBlockedLimit
  }

  /** The handler that was in its synchronous part under this number; 0: what blocks after an `await` is one of those that run. */
  #suspects(entered: number): LogFields {
    if (entered === 0) return { running: [...new Set(this.#options.running())].slice(0, 10) };
    const { id, task } = this.#entered[entered % remembered] as { id: string; task: string };
    return { task, taskId: id };
  }

  #warnOnce(error: unknown): void {
    if (this.#warned) return;
    this.#warned = true;
    this.#options.logger.error('hard time limits cannot end tasks that block the event loop', { error });
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
    const { logger } = this.#options;
    const culprit = Atomics.exchange(this.#counters, counters.culprit, 0);
    const renewals = Atomics.exchange(this.#counters, counters.renewals, 0);
    logger.warn('the event loop was blocked: give tasks that compute for long the pool threads', {
      forMs: Math.round(late),
      ...this.#suspects(culprit),
      leaseRenewals: renewals,
    });
  }
}
