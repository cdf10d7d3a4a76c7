import type { Clock } from '../../clock.ts';
import { LeaseLostError, LovageError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { toPlainError } from '../../message/failure.ts';
import type { Attempt } from '../execution/attempt.ts';
import type { AttemptResult } from '../execution/attempt-result.ts';
import type { StateRecorder } from '../execution/state-writer.ts';
import type { LimitPair } from '../middleware/task-limits.ts';
import { limitTime } from '../middleware/time-limits.ts';
import { type Child, type ChildOptions, startChild } from './child.ts';
import { abortMessage, type FromChild } from './child-message.ts';
import type { Pool, PoolKind } from './pool.ts';

/** How long a task goes back whose child cannot be started, in milliseconds: to try costs a process, and may go wrong for hours. */
const startPause = 1_000;

/** How children are used. */
export interface ChildPoolOptions extends ChildOptions {
  readonly clock: Clock;
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
interface Seat {
  readonly child: Child;
  /** Resolves when the app is loaded there; rejects when it cannot be. */
  readonly ready: Promise<void>;
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
  readonly #idle: Seat[] = [];
  readonly #seats = new Set<Seat>();
  #size: number;
  #closed = false;

  constructor(options: ChildPoolOptions) {
    this.#options = options;
    this.#size = options.size;
  }

  /** Starts the first child, so that an app that does not load there is found at once. Throws {@link LovageError}. */
  async warmUp(): Promise<void> {
    const seat = this.#open();
    await seat.ready;
    this.#idle.push(seat);
  }

  /** Time limits count from the moment at which the child is there: to start one may take longer than its task. */
  async run(attempt: Attempt): Promise<AttemptResult> {
    const seat = this.#idle.pop() ?? this.#open();
    const early = await this.#untilReady(seat, attempt);
    if (early) return early;
    const result = await limitTime(this.#options.clock, attempt.context, () => this.#serve(seat, attempt));
    seat.served += 1;
    this.#free(seat);
    return result;
  }

  /** What the attempt came to before it began, if it did. */
  async #untilReady(seat: Seat, { context, message }: Attempt): Promise<AttemptResult | undefined> {
    const ready = seat.ready.then(
      (): AttemptResult | undefined => {
        return seat.gone ? { state: 'CRASHED', why: 'the child ended before the task began' } : undefined;
      },
      (error: unknown): AttemptResult => {
        if (this.#closed) return { state: 'RELEASED' };
        const { logger, clock, ahead } = this.#options;
        logger.error('a child of the pool did not start, trying again', { error, inMs: startPause });
        return { state: 'LIMITED', message, at: clock.now() + ahead() + startPause };
      },
    );
    const brokenOff = new Promise<AttemptResult>((resolve) => context.onBreakOff(resolve));
    const early = await Promise.race([brokenOff, ready]);
    if (early) void ready.then(() => this.#free(seat)); // for others, once it is there
    return early;
  }

  setSize(size: number): void {
    this.#size = size;
    while (this.#seats.size > size && this.#idle.length > 0) this.#retire(this.#idle.pop() as Seat);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#idle.length = 0;
    await Promise.all([...this.#seats].map((seat) => seat.child.kill()));
  }

  #serve(seat: Seat, attempt: Attempt): Promise<AttemptResult> {
    const { context, delivery, message } = attempt;
    return new Promise((resolve) => {
      seat.attempt = attempt;
      seat.end = (result) => {
        seat.attempt = undefined;
        seat.end = undefined;
        resolve(result);
      };
      const { deadline, fence } = attempt.context;
      const until = deadline === undefined ? {} : { deadline: deadline.getTime() };
      const fenced = fence === undefined ? {} : { fence };
      seat.child.send({
        type: 'run',
        message,
        deliveryCount: delivery.deliveryCount,
        ahead: this.#options.ahead(),
        limits: limitsOf(context),
        ...until,
        ...fenced,
      });
      const served = (): boolean => seat.attempt === attempt; // once it has ended, its child may serve another
      context.onAbort((reason) => served() && seat.child.send(abortMessage(reason)));
      delivery.onLeaseLost(() => context.abort(new LeaseLostError(message.id)));
      context.onBreakOff((result) => served() && void this.#kill(seat, result));
    });
  }

  /** The child dies first, the attempt ends then: it cannot overlap with the next one. */
  async #kill(seat: Seat, result: AttemptResult): Promise<void> {
    const { end } = seat;
    seat.end = undefined;
    seat.gone = true;
    await seat.child.kill();
    end?.(result);
  }

  #free(seat: Seat): void {
    const { maxTasksPerChild } = this.#options;
    if (seat.gone || this.#closed) return;
    if (this.#seats.size > this.#size || (maxTasksPerChild !== undefined && seat.served >= maxTasksPerChild))
      this.#retire(seat);
    else this.#idle.push(seat);
  }

  #retire(seat: Seat): void {
    seat.gone = true;
    this.#seats.delete(seat);
    void seat.child.kill();
  }

  #open(): Seat {
    let settle: { readonly ok: () => void; readonly fail: (error: Error) => void } = { ok: () => {}, fail: () => {} };
    const ready = new Promise<void>((ok, fail) => {
      settle = { ok, fail };
    });
    ready.catch(() => {}); // whoever waits for the seat hears of it
    const child = startChild(this.#options.kind, this.#options, {
      onMessage: (message) => {
        if (message.type === 'ready') settle.ok();
        else if (message.type === 'failed') {
          settle.fail(
            new LovageError('CONFIGURATION', `the app does not load in the pool's child: ${message.message}`),
          );
          this.#retire(seat);
        } else this.#hear(seat, message);
      },
      onExit: (why) => {
        settle.fail(new LovageError('WORKER_LOST', why));
        this.#lost(seat, why);
      },
    });
    const seat: Seat = { child, ready, served: 0, attempt: undefined, end: undefined, gone: false };
    this.#seats.add(seat);
    return seat;
  }

  #hear(seat: Seat, message: Exclude<FromChild, { type: 'ready' | 'failed' }>): void {
    const { attempt } = seat;
    if (message.type === 'log') return this.#log(message);
    if (message.type === 'state') return this.#store(seat, message);
    if (attempt === undefined) return;
    const { maxMemoryPerChild, kind } = this.#options;
    if (kind === 'processes' && maxMemoryPerChild !== undefined && message.memory > maxMemoryPerChild)
      this.#retire(seat);
    seat.end?.(message.result);
  }

  #log({ level, message, fields, errors }: Extract<FromChild, { type: 'log' }>): void {
    const revived = Object.entries(errors).map(([name, failure]) => [name, toPlainError(failure)]);
    this.#options.logger[level](message, { ...fields, ...Object.fromEntries(revived) });
  }

  /** A handler that has ended may still report: nobody wants it, but it may wait for the answer. */
  #store({ child, attempt }: Seat, { record, sequence }: Extract<FromChild, { type: 'state' }>): void {
    const answer = (): void => child.send({ type: 'stored', sequence });
    if (attempt?.message.id !== record.id) return answer();
    if (record.progress !== undefined) attempt.context.noteProgress(record.progress);
    void this.#options.states.write(attempt.message, record).then(answer); // never rejects
  }

  #lost(seat: Seat, why: string): void {
    seat.gone = true;
    this.#seats.delete(seat);
    const index = this.#idle.indexOf(seat);
    if (index >= 0) this.#idle.splice(index, 1);
    seat.end?.(this.#closed ? { state: 'RELEASED' } : { state: 'CRASHED', why });
  }
}

function limitsOf({ softTimeLimit, timeLimit }: Attempt['context']): LimitPair {
  return {
    ...(softTimeLimit === undefined ? {} : { soft: softTimeLimit }),
    ...(timeLimit === undefined ? {} : { hard: timeLimit }),
  };
}
