import type { Clock } from '../clock.ts';
import type { Attempt, AttemptResult } from './attempt.ts';
import type { AttemptContext } from './attempt-context.ts';
import type { AttemptObserver } from './executor.ts';

/** A task that is running now. */
export interface RunningTask {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  /** Milliseconds since it began. */
  readonly runningFor: number;
}

/** How many attempts ended how, since the worker started. */
export interface AttemptCounts {
  readonly succeeded: number;
  readonly failed: number;
  readonly retried: number;
  readonly revoked: number;
  readonly other: number;
}

/** Counts attempts and knows those under way. */
export class WorkerStats implements AttemptObserver {
  readonly #clock: Clock;
  readonly #running = new Map<Attempt, number>();
  readonly #counts = { succeeded: 0, failed: 0, retried: 0, revoked: 0, other: 0 };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  onStart(attempt: Attempt): void {
    this.#running.set(attempt, this.#clock.monotonic());
  }

  onEnd(attempt: Attempt, { state }: AttemptResult): void {
    this.#running.delete(attempt);
    if (state === 'SUCCESS') this.#counts.succeeded++;
    else if (state === 'FAILURE' || state === 'REJECTED') this.#counts.failed++;
    else if (state === 'RETRY') this.#counts.retried++;
    else if (state === 'REVOKED') this.#counts.revoked++;
    else this.#counts.other++;
  }

  get counts(): AttemptCounts {
    return { ...this.#counts };
  }

  get running(): readonly RunningTask[] {
    const now = this.#clock.monotonic();
    return [...this.#running].map(([{ message }, since]) => ({
      id: message.id,
      task: message.task,
      queue: message.queue,
      runningFor: Math.round(now - since),
    }));
  }

  /** The contexts of the attempts under way. */
  get contexts(): readonly AttemptContext[] {
    return [...this.#running.keys()].map(({ context }) => context);
  }
}
