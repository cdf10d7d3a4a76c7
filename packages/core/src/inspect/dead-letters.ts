import type { Lovage } from '../app/app.ts';
import { type AppRuntime, runtimeOf } from '../app/app-runtime.ts';
import { sleep } from '../clock.ts';
import type { DeadLetter, Monitor } from '../driver/monitor.ts';
import { ConfigurationError, LovageError, NotSupportedError, PublishError } from '../errors.ts';
import type { JsonValue } from '../message/json.ts';
import type { Message } from '../message/message.ts';
import { assertJson, decodeArgs } from '../message/payload-codec.ts';
import { parseRate } from '../options/duration.ts';
import { queueName, wholeNumber } from '../options/option-reader.ts';
import { compileFilter, type DeadLetterFilter } from './dead-letter-filter.ts';
import { type ReplayEdits, toReplay } from './dead-letter-replay.ts';

/** How {@link DeadLetters.replay} sends. */
export interface ReplayOptions extends ReplayEdits {
  /** No faster than that: `'10/s'`, `'100/m'`. @default as fast as the broker takes them */
  readonly rate?: number | string;
  /** At most so many. @default all */
  readonly limit?: number;
  /** Say what would be done, and do nothing. @default false */
  readonly dryRun?: boolean;
  /** Ends it between two letters when it aborts. */
  readonly signal?: AbortSignal;
}

/** What became of one letter. */
export type Replayed =
  /** Sent as a new task (or would be, in a dry run); the letter is gone. */
  | {
      readonly kind: 'sent';
      readonly letter: DeadLetter;
      readonly id: string;
      readonly task: string;
      readonly queue: string;
    }
  /** It cannot be sent; the letter stays. */
  | { readonly kind: 'refused'; readonly letter: DeadLetter; readonly problem: string };

/** How {@link DeadLetters.list} cuts off. */
export interface DeadLetterListOptions extends DeadLetterFilter {
  /** @default 100 */
  readonly limit?: number;
}

/** Bodies may be a MiB each: so many are held at once, and published at once. */
const pageSize = 50;

/** The parked messages of an app's broker: looks at them, sends them again, deletes them. */
export class DeadLetters {
  readonly #runtime: AppRuntime;

  constructor(app: Lovage) {
    this.#runtime = runtimeOf(app);
  }

  /** The letters that are meant, newest first. */
  async list({ limit = 100, ...filter }: DeadLetterListOptions = {}): Promise<readonly DeadLetter[]> {
    const most = wholeNumber(1)(limit, 'dead letters: limit');
    const monitor = await this.#monitor();
    const found: DeadLetter[] = [];
    for (const queue of await this.#queuesOf(filter, monitor)) {
      let ofQueue = 0;
      for await (const page of this.#pages(monitor, queue, { filter, oldestFirst: false })) {
        const wanted = page.slice(0, most - ofQueue);
        found.push(...wanted);
        ofQueue += wanted.length;
        if (ofQueue >= most) break;
      }
    }
    return found.sort((a, b) => b.at - a.at).slice(0, most);
  }

  /** How many letters are meant. */
  async count(filter: DeadLetterFilter = {}): Promise<number> {
    const monitor = await this.#monitor();
    let count = 0;
    for await (const page of this.#batches(monitor, filter, { size: pageSize, limit: undefined })) count += page.length;
    return count;
  }

  /**
   * Sends letters again, the oldest first, each as a new task whose header `replayOf` is the old id; a letter goes once
   * the broker has accepted its task. Says what became of each. A letter that is replayed twice (by two people at once,
   * or after a crash between the two steps) runs once. Throws {@link ConfigurationError} for options that cannot be and
   * {@link BrokerUnavailableError}: what was not told of by then has kept its letter, or can safely be replayed again.
   */
  async *replay(filter: DeadLetterFilter, options: ReplayOptions = {}): AsyncGenerator<Replayed, void, undefined> {
    const { batch, pause } = this.#plan(options);
    const { limit, signal } = options;
    const monitor = await this.#monitor();
    const sent = new Set<string>();
    let first = true;
    for await (const letters of this.#batches(monitor, filter, { size: batch, limit })) {
      if (!first && pause > 0) await sleep(this.#runtime.clock, pause, signal).catch(() => undefined); // seen below
      if (signal?.aborted) return;
      first = false;
      const fresh = letters.filter(({ id }) => !sent.has(id)); // what comes back at once is not sent round for ever
      for (const outcome of await this.#replayBatch(monitor, fresh, options)) {
        if (outcome.kind === 'sent') sent.add(outcome.id);
        yield outcome;
      }
    }
  }

  /** Deletes letters for good. Returns how many. */
  async purge(filter: DeadLetterFilter = {}): Promise<number> {
    const monitor = await this.#monitor();
    let deleted = 0;
    for (const queue of await this.#queuesOf(filter, monitor)) {
      for await (const page of this.#pages(monitor, queue, { filter, oldestFirst: true })) {
        const keys = page.map(({ key }) => key);
        deleted += await monitor.removeDeadLetters(queue, keys);
      }
    }
    return deleted;
  }

  #plan({ rate, limit, queue, args, dryRun }: ReplayOptions): { readonly batch: number; readonly pause: number } {
    if (queue !== undefined) queueName(queue, 'replay: queue');
    if (limit !== undefined) wholeNumber(1)(limit, 'replay: limit');
    if (args !== undefined && !Array.isArray(args)) throw new ConfigurationError('replay: args: expected a list');
    if (rate === undefined) return { batch: pageSize, pause: 0 };
    const { count, period } = parseRate(rate, 'replay: rate');
    if (dryRun) return { batch: pageSize, pause: 0 };
    return { batch: 1, pause: period / count };
  }

  /** The letters that are meant, the oldest of each queue first, so many at a time and no more than `limit`. */
  async *#batches(
    monitor: Monitor,
    filter: DeadLetterFilter,
    { size, limit = Number.POSITIVE_INFINITY }: { readonly size: number; readonly limit: number | undefined },
  ): AsyncGenerator<readonly DeadLetter[], void, undefined> {
    let left = limit;
    for (const queue of await this.#queuesOf(filter, monitor)) {
      for await (const page of this.#pages(monitor, queue, { filter, oldestFirst: true })) {
        for (let start = 0; start < page.length; start += size) {
          if (left <= 0) return;
          const batch = page.slice(start, start + Math.min(size, left));
          left -= batch.length;
          yield batch;
        }
      }
    }
  }

  /**
   * The letters of a queue that are meant, page by page. It ends after as many letters as there were at the start, so
   * that a queue which parks faster than this reads does not keep it for ever.
   */
  async *#pages(
    monitor: Monitor,
    queue: string,
    { filter, oldestFirst }: { readonly filter: DeadLetterFilter; readonly oldestFirst: boolean },
  ): AsyncGenerator<readonly DeadLetter[], void, undefined> {
    const fits = compileFilter(filter, this.#runtime.clock.now());
    let [{ dead: left } = { dead: 0 }] = await monitor.counts([queue]);
    let after: string | undefined;
    while (left > 0) {
      const from = { oldestFirst, ...(after === undefined ? {} : { after }) };
      const page = await monitor.deadLetters(queue, Math.min(pageSize, left), from);
      if (page.length === 0) return;
      left -= page.length;
      after = page.at(-1)?.key;
      const wanted = page.filter(fits);
      if (wanted.length > 0) yield wanted;
    }
  }

  async #replayBatch(
    monitor: Monitor,
    letters: readonly DeadLetter[],
    options: ReplayOptions,
  ): Promise<readonly Replayed[]> {
    const plans = await Promise.all(letters.map((letter) => this.#prepare(letter, options)));
    const messages = plans.flatMap(({ message }) => message ?? []);
    if (options.dryRun || messages.length === 0) return plans.map(({ outcome }) => outcome);
    const refused = await this.#publish(messages);
    const outcomes = plans.map(({ outcome, letter }): Replayed => {
      const problem = outcome.kind === 'sent' ? refused.get(outcome.id) : undefined;
      return problem === undefined ? outcome : { kind: 'refused', letter, problem: problem.message };
    });
    await removeSent(monitor, outcomes);
    return outcomes;
  }

  /** Edited arguments are held against the task's schema, where this app has the task. */
  async #prepare(
    letter: DeadLetter,
    { args, queue }: ReplayEdits,
  ): Promise<{ readonly letter: DeadLetter; readonly outcome: Replayed; readonly message?: Message }> {
    const { clock } = this.#runtime;
    try {
      const edits = { ...(args === undefined ? {} : { args }), ...(queue === undefined ? {} : { queue }) };
      const message = toReplay(letter, edits, clock.now());
      if (args !== undefined) await this.#checkArgs(message.task, args);
      const { id, task } = message;
      return { letter, message, outcome: { kind: 'sent', letter, id, task, queue: message.queue } };
    } catch (error) {
      if (!(error instanceof LovageError)) throw error;
      return { letter, outcome: { kind: 'refused', letter, problem: error.message } };
    }
  }

  async #checkArgs(task: string, args: readonly JsonValue[]): Promise<void> {
    const { registry, settings } = this.#runtime;
    assertJson(args, 'args', { bytes: settings.maxPayload, option: 'maxPayload' }, `arguments of task "${task}"`);
    const payload = registry.get(task)?.payload;
    if (payload) await decodeArgs(payload, args, '');
  }

  /** The errors of those that were refused; anything else throws. */
  async #publish(messages: readonly Message[]): Promise<ReadonlyMap<string, Error>> {
    try {
      await this.#runtime.producer.publish(messages);
      return new Map();
    } catch (error) {
      if (error instanceof PublishError) return error.failures;
      throw error;
    }
  }

  async #queuesOf({ queues }: DeadLetterFilter, monitor: Monitor): Promise<readonly string[]> {
    return queues ?? [...(await monitor.queues())].sort();
  }

  async #monitor(): Promise<Monitor> {
    const { monitor } = await this.#runtime.stores.open();
    if (monitor === undefined) throw new NotSupportedError('this broker does not support queue inspection');
    return monitor;
  }
}

/** The letters of a batch are of one queue. */
async function removeSent(monitor: Monitor, outcomes: readonly Replayed[]): Promise<void> {
  const letters = outcomes.flatMap(({ kind, letter }) => (kind === 'sent' ? letter : []));
  const [first] = letters;
  if (first)
    await monitor.removeDeadLetters(
      first.queue,
      letters.map(({ key }) => key),
    );
}
