import { type Clock, withDeadline } from '../../clock.ts';
import { LeaseLostError, LovageError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { toPlainError } from '../../message/failure.ts';
import { formatDuration } from '../../options/duration.ts';
import { pauseAfter } from '../../retry.ts';
import type { Attempt } from '../execution/attempt.ts';
import type { AttemptResult } from '../execution/attempt-result.ts';
import type { StateRecorder } from '../execution/state-writer.ts';
import type { LimitPair } from '../middleware/task-limits.ts';
import { limitTime } from '../middleware/time-limits.ts';
import { type Child, type ChildOptions, startChild } from './child.ts';
import { abortMessage, type FromChild } from './child-message.ts';
import type { Pool, PoolKind } from './pool.ts';

/** How long a task goes back whose child cannot be started, in milliseconds: to try costs a process, and may go wrong for hours. */
const startPause = { first: 1_000, longest: 30_000 };

/** How long the end of a child is waited for, in milliseconds, before its task ends without it. */
const killTimeout = 10_000;

/** How children are used. */
export interface ChildPoolOptions extends ChildOptions {
  readonly clock: Clock;
  /** How long a child may take to load the app, in milliseconds. */
  readonly startTimeout: number;
  readonly kind: Exclude<PoolKind, 'async'>;
  readonly size: number;
  /** A child is replaced after so many tasks. */
  readonly maxTasksPerChild: number | undefined;
  /** A child is replaced when its process holds more than that after a task, in bytes (for threads: their heap's limit). */
  readonly maxMemoryPerChild: number | undefined;
  /** How many milliseconds the broker's clock is ahead. */
  readonly ahead: () => number;
  readonly states: StateRecorder;
  readonly logger: Logger;
}

/** A child and what it does. */
interface ChildSlot {
  readonly child: Child;
  /** Resolves when the app is loaded there; rejects when it cannot be. */
  readonly ready: Promise<void>;
  loaded: boolean;
  served: number;
  /** The attempt it runs, and the way to end it. */
  attempt: Attempt | undefined;
  end: ((result: AttemptResult) => void) | undefined;
  gone: boolean;
}

/**
 * Handlers in threads or processes, one at a time in each: a handler that blocks, runs out of memory or ends its process takes
 * nothing else with it. One pool serves both kinds, since killing, replacing, progress and logs are the same for both.
 */
export class ChildPool implements Pool {
  readonly #options: ChildPoolOptions;
  readonly #idle: ChildSlot[] = [];
  readonly #slots = new Set<ChildSlot>();
  #size: number;
  #closed = false;
  /** How many starts have failed since one went well, and why the last of them did. */
  #failedStarts = 0;
  #startError: string | undefined;

  constructor(options: ChildPoolOptions) {
    this.#options = options;
    this.#size = options.size;
  }

  /** Starts the first child, so that an app that does not load there is found at once. Throws {@link LovageError}. */
  async warmUp(): Promise<void> {
    const slot = this.#open();
    await slot.ready;
    this.#idle.push(slot);
  }

  /** Why it cannot run anything: no child starts. undefined while one is there, or none was needed. */
  get trouble(): string | undefined {
    const oneIsThere = [...this.#slots].some(({ loaded }) => loaded);
    return oneIsThere ? undefined : this.#startError;
  }

  /** Time limits count from the moment at which the child is there: to start one may take longer than its task. */
  async run(attempt: Attempt): Promise<AttemptResult> {
    const slot = this.#idle.pop() ?? this.#open();
    const resultBeforeStart = await this.#untilReady(slot, attempt);
    if (resultBeforeStart) return resultBeforeStart;
    attempt.onBegin?.();
    const result = await limitTime({ clock: this.#options.clock }, attempt, () => this.#serve(slot, attempt));
    slot.served += 1;
    this.#free(slot);
    return result;
  }

  /** What the attempt came to before it began, if it did. */
  async #untilReady(slot: ChildSlot, { context, message }: Attempt): Promise<AttemptResult | undefined> {
    const ready = slot.ready.then(
      (): AttemptResult | undefined => {
        return slot.gone ? { state: 'CRASHED', why: 'the child ended before the task began' } : undefined;
      },
      (error: unknown): AttemptResult => {
        if (this.#closed) return { state: 'RELEASED' };
        const { logger, clock, ahead } = this.#options;
        const pause = pauseAfter(startPause, Math.max(1, this.#failedStarts));
        logger.error('a child of the pool did not start, trying again', { error, inMs: pause });
        return { state: 'POSTPONED', message, at: clock.now() + ahead() + pause };
      },
    );
    const interrupted = new Promise<AttemptResult>((resolve) => context.onInterrupt(resolve));
    const resultBeforeStart = await Promise.race([interrupted, ready]);
    if (resultBeforeStart) void ready.then(() => this.#free(slot)); // for others, once it is there
    return resultBeforeStart;
  }

  setSize(size: number): void {
    this.#size = size;
    while (this.#slots.size > size && this.#idle.length > 0) this.#retire(this.#idle.pop() as ChildSlot);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#idle.length = 0;
    await Promise.all([...this.#slots].map((slot) => slot.child.kill()));
  }

  #serve(slot: ChildSlot, attempt: Attempt): Promise<AttemptResult> {
    const { context, delivery, message } = attempt;
    return new Promise((resolve) => {
      slot.attempt = attempt;
      slot.end = (result) => {
        slot.attempt = undefined;
        slot.end = undefined;
        resolve(result);
      };
      const { deadline, fence } = attempt.context;
      const until = deadline === undefined ? {} : { deadline: deadline.getTime() };
      const fenced = fence === undefined ? {} : { fence };
      slot.child.send({
        type: 'run',
        message,
        deliveryCount: delivery.deliveryCount,
        ahead: this.#options.ahead(),
        limits: limitsOf(context),
        ...until,
        ...fenced,
      });
      const served = (): boolean => slot.attempt === attempt; // once it has ended, its child may serve another
      context.onAbort((reason) => served() && slot.child.send(abortMessage(reason)));
      delivery.onLeaseLost(() => context.abort(new LeaseLostError(message.id)));
      context.onInterrupt((result) => served() && void this.#kill(slot, result));
    });
  }

  /** The child dies first, the attempt ends then: it cannot overlap with the next one. */
  async #kill(slot: ChildSlot, result: AttemptResult): Promise<void> {
    const { end } = slot;
    slot.end = undefined;
    slot.gone = true;
    await this.#untilGone(slot);
    end?.(result);
  }

  /** A thread in native code (execSync, a synchronous database) ends only after it, which may be never: it is not waited for. */
  async #untilGone({ child, attempt }: ChildSlot): Promise<void> {
    const { clock, logger, kind } = this.#options;
    const late = (): Error => new Error(`it did not end within ${formatDuration(killTimeout)}`);
    await withDeadline(clock, killTimeout, child.kill(), late).catch((error: unknown) => {
      const { id: taskId, task } = attempt?.message ?? {};
      logger.error(
        `a child of the pool (${kind}) cannot be ended while it runs native code: its task ends without it`,
        {
          error,
          task,
          taskId,
        },
      );
    });
  }

  #free(slot: ChildSlot): void {
    const { maxTasksPerChild } = this.#options;
    if (slot.gone || this.#closed) return;
    if (this.#slots.size > this.#size || (maxTasksPerChild !== undefined && slot.served >= maxTasksPerChild))
      this.#retire(slot);
    else this.#idle.push(slot);
  }

  #retire(slot: ChildSlot): void {
    slot.gone = true;
    this.#slots.delete(slot);
    void slot.child.kill();
  }

  #open(): ChildSlot {
    let settle: { readonly ok: () => void; readonly fail: (error: Error) => void } = { ok: () => {}, fail: () => {} };
    const ready = new Promise<void>((ok, fail) => {
      settle = { ok, fail };
    });
    const child = startChild(this.#options.kind, this.#options, {
      onMessage: (message) => {
        if (message.type === 'ready') settle.ok();
        else if (message.type === 'failed') {
          settle.fail(
            new LovageError('CONFIGURATION', `the app does not load in the pool's child: ${message.message}`),
          );
          this.#retire(slot);
        } else this.#hear(slot, message);
      },
      onExit: (why) => {
        settle.fail(new LovageError('WORKER_LOST', why));
        this.#lost(slot, why);
      },
    });
    const slot: ChildSlot = {
      child,
      ready,
      loaded: false,
      served: 0,
      attempt: undefined,
      end: undefined,
      gone: false,
    };
    this.#slots.add(slot);
    this.#watchStart(slot, settle.fail);
    return slot;
  }

  /** A module may hang where it is loaded, in a top-level await that never settles. */
  #watchStart(slot: ChildSlot, fail: (error: Error) => void): void {
    const { clock, startTimeout } = this.#options;
    const late = (): void => {
      const within = formatDuration(startTimeout);
      fail(
        new LovageError(
          'CONFIGURATION',
          `the app did not load in the pool's child within ${within}: does its module wait for something?`,
        ),
      );
      this.#retire(slot);
    };
    const timer = clock.after(startTimeout, late, { background: true });
    const failed = (error: Error): void => {
      timer.cancel();
      this.#failedStarts += 1;
      this.#startError = error.message;
    };
    const loaded = (): void => {
      timer.cancel();
      slot.loaded = true;
      this.#failedStarts = 0;
      this.#startError = undefined;
    };
    slot.ready.then(loaded, failed); // whoever waits for the seat hears of it
  }

  #hear(slot: ChildSlot, message: Exclude<FromChild, { type: 'ready' | 'failed' }>): void {
    const { attempt } = slot;
    if (message.type === 'log') return this.#log(message);
    if (message.type === 'state') return this.#store(slot, message);
    if (attempt === undefined) return;
    const { maxMemoryPerChild, kind } = this.#options;
    if (kind === 'processes' && maxMemoryPerChild !== undefined && message.memory > maxMemoryPerChild)
      this.#retire(slot);
    slot.end?.(JSON.parse(message.text) as AttemptResult); // our program's own
  }

  #log({ level, message, fields, errors }: Extract<FromChild, { type: 'log' }>): void {
    const revived = Object.entries(errors).map(([name, failure]) => [name, toPlainError(failure)]);
    this.#options.logger[level](message, { ...fields, ...Object.fromEntries(revived) });
  }

  /** A handler that has ended may still report: nobody wants it, but it may wait for the answer. */
  #store({ child, attempt }: ChildSlot, { record, sequence }: Extract<FromChild, { type: 'state' }>): void {
    const answer = (): void => child.send({ type: 'stored', sequence });
    if (attempt?.message.id !== record.id) return answer();
    if (record.progress !== undefined) attempt.context.noteProgress(record.progress);
    void this.#options.states.write(attempt.message, record).then(answer); // never rejects
  }

  #lost(slot: ChildSlot, why: string): void {
    slot.gone = true;
    this.#slots.delete(slot);
    const index = this.#idle.indexOf(slot);
    if (index >= 0) this.#idle.splice(index, 1);
    slot.end?.(this.#closed ? { state: 'RELEASED' } : { state: 'CRASHED', why });
  }
}

function limitsOf({ softTimeLimit, timeLimit }: Attempt['context']): LimitPair {
  return {
    ...(softTimeLimit === undefined ? {} : { soft: softTimeLimit }),
    ...(timeLimit === undefined ? {} : { hard: timeLimit }),
  };
}
