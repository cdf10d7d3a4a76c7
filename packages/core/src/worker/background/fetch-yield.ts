import type { Clock, Timer } from '../../clock.ts';
import type { Consumer } from '../../driver/broker.ts';

/** How long a worker stops fetching that handed messages back to others, and for each of them, and at most, in milliseconds. */
const shortestPause = 20;
const pausePerMessage = 5;
const longestPause = 100;

/**
 * Lets other workers fetch first: after a message that this worker cannot run has come back to it, it stops fetching for a moment, or
 * it would take the message from the worker that can.
 */
export class FetchYield {
  readonly #clock: Clock;
  #consumer: Pick<Consumer, 'pause' | 'resume'> | undefined;
  #timer: Timer | undefined;
  #began = 0;
  #messages = 0;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Gives it the consumer that it pauses. */
  attach(consumer: Pick<Consumer, 'pause' | 'resume'>): void {
    this.#consumer = consumer;
  }

  /** One message was handed back that others can run. */
  yield(): void {
    if (this.#closed || this.#consumer === undefined) return;
    this.#messages += 1;
    if (this.#timer) return;
    this.#began = this.#clock.monotonic();
    this.#consumer.pause();
    this.#arm(shortestPause);
  }

  /** Pauses and resumes nothing from now on. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #arm(ms: number): void {
    this.#timer = this.#clock.after(ms, () => this.#end());
  }

  #end(): void {
    const left =
      this.#began +
      Math.min(longestPause, shortestPause + pausePerMessage * (this.#messages - 1)) -
      this.#clock.monotonic();
    if (left > 1) {
      this.#arm(left);
      return;
    }
    this.#timer = undefined;
    this.#messages = 0;
    this.#consumer?.resume();
  }
}
