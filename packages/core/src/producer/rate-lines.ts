import type { Clock } from '../clock.ts';
import type { RateCandidate, RateLimiter, RatePlace } from '../driver/rate-limiter.ts';
import type { Logger } from '../logger.ts';
import type { Message } from '../message/message.ts';
import { intervalOf, type Rate } from '../options/duration.ts';
import type { TaskRegistry } from '../task/task.ts';

/** Messages that enter by one call. */
const chunkSize = 500;

/** What {@link RateLines} needs. */
export interface RateLinesOptions {
  readonly limiter: () => Promise<RateLimiter | undefined>;
  readonly registry: TaskRegistry;
  /** The broker's clock. */
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Puts calls of rate-limited tasks into their line when they are published. A backlog then never stands in its queue, where
 * workers would have to move it aside one by one before they reach the calls of other tasks.
 */
export class RateLines {
  readonly #options: RateLinesOptions;

  constructor(options: RateLinesOptions) {
    this.#options = options;
  }

  /** Whether any of the messages may have to wait for a rate. */
  concerns(messages: readonly Message[]): boolean {
    return messages.some((message) => this.#rateOf(message) !== undefined);
  }

  /** The messages, those that wait marked so. Where the store does not answer they stay as they are: the worker asks. */
  async acquireAll(messages: readonly Message[]): Promise<readonly Message[]> {
    const limiter = await this.#options.limiter();
    const entered = [...messages];
    if (limiter === undefined) return entered;
    for (const [task, { rate, indexes }] of this.#byTask(messages)) {
      for (let start = 0; start < indexes.length; start += chunkSize) {
        const chunk = indexes.slice(start, start + chunkSize);
        const candidates = chunk.map((index) => candidateOf(messages[index] as Message));
        const places = await this.#enter(limiter, task, { rate, candidates });
        for (const [nth, place] of (places ?? []).entries()) {
          const index = chunk[nth] as number;
          entered[index] = this.#placed(entered[index] as Message, place);
        }
      }
    }
    return entered;
  }

  async #enter(
    limiter: RateLimiter,
    task: string,
    { rate, candidates }: { readonly rate: Rate; readonly candidates: readonly RateCandidate[] },
  ): Promise<readonly RatePlace[] | undefined> {
    try {
      return (await limiter.enter(task, { interval: intervalOf(rate), candidates, publishing: true })).places;
    } catch (error) {
      this.#options.logger.debug('the rate limiter did not answer: the worker will ask', { task, error });
      return undefined;
    }
  }

  #placed(message: Message, { free, order, wait }: RatePlace): Message {
    if (free) return { ...message, rateLine: { order } };
    const until = untilOf(message, { wait }, this.#options.clock.now());
    return { ...message, rateLine: { order, until }, mayRepeat: true }; // it may be revoked until then
  }

  #byTask(messages: readonly Message[]): ReadonlyMap<string, { readonly rate: Rate; readonly indexes: number[] }> {
    const tasks = new Map<string, { readonly rate: Rate; readonly indexes: number[] }>();
    for (const [index, message] of messages.entries()) {
      const rate = this.#rateOf(message);
      if (rate === undefined) continue;
      const known = tasks.get(message.task);
      if (known) known.indexes.push(index);
      else tasks.set(message.task, { rate, indexes: [index] });
    }
    return tasks;
  }

  /** What waits for a time or a concurrency key asks once it is delivered. */
  #rateOf({ task, eta, turn, rateLine }: Message): Rate | undefined {
    if (eta !== undefined || turn !== undefined || rateLine !== undefined) return undefined;
    return this.#options.registry.get(task)?.options.rateLimit;
  }
}

function candidateOf({ queue, id, priority }: Message): RateCandidate {
  return { queue, id, priority };
}

/**
 * When a message asks by itself, should no worker wake it: well behind its turn, so that a fleet that was away for a while does not
 * find its whole line in its queues; and in time for its end.
 */
export function untilOf(
  { expires, deadline }: Message,
  { wait, reserved = false }: Pick<RatePlace, 'wait' | 'reserved'>,
  now: number,
): number {
  const own = reserved ? now + wait : now + wait * 1.5 + 10_000;
  return Math.ceil(Math.min(own, (expires ?? own) + 1, (deadline ?? own) + 1));
}
