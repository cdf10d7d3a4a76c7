import { reopenFailed } from '../canvas/failing/reopen-failed.ts';
import { type Clock, sleep } from '../clock.ts';
import {
  ConfigurationError,
  LovageError,
  NotSupportedError,
  PublishError,
  SignatureError,
  UnknownFailureError,
} from '../errors.ts';
import type { HistoryStore } from '../history/history-store.ts';
import type { FailureEntry, FailureGroup } from '../history/run-row.ts';
import type { JsonValue } from '../message/json.ts';
import type { Message } from '../message/message.ts';
import { assertJson, decodeArgs, type SizeLimit } from '../message/payload-codec.ts';
import { parseRate } from '../options/duration.ts';
import { queueName, wholeNumber } from '../options/option-reader.ts';
import { isName } from '../options/well-formed.ts';
import type { Producer } from '../producer/publish.ts';
import { AsyncResult, type ResultContext } from '../results/async-result.ts';
import type { Settings } from '../settings/app-options.ts';
import type { Stores } from '../stores/stores.ts';
import type { TaskRegistry } from '../task/task.ts';
import { compileFailureFilter, type FailedTask, type FailureFilter, toFailedTask, toRetry } from './failed-task.ts';

/** Entries read at once. */
const pageSize = 100;

/** How {@link AppFailures.list} cuts off. */
export interface FailureListOptions extends FailureFilter {
  /** @default 100 */
  readonly limit?: number;
  /** Behind this one: the last of the page before. */
  readonly after?: Pick<FailedTask, 'id' | 'at'>;
}

/** What a retry changes. */
export interface RetryEdits {
  /** Other arguments, in place of all of them; JSON, held against the task's schema where this app has the task. */
  readonly args?: readonly unknown[];
  /** Another queue. @default the one it stood in */
  readonly queue?: string;
}

/** How {@link AppFailures.retry} sends. */
export interface FailureRetryOptions extends RetryEdits {
  /** No faster than that: `'10/s'`, `'100/m'`. @default as fast as the broker takes them */
  readonly rate?: number | string;
  /** At most so many. @default all */
  readonly limit?: number;
  /** Say what would be done, and do nothing. @default false */
  readonly dryRun?: boolean;
  /** Ends it between two tasks when it aborts. */
  readonly signal?: AbortSignal;
}

/** What became of one failure. */
export type Retried =
  /** It runs again under its id (or would, in a dry run), and is not listed any more. */
  | { readonly kind: 'sent'; readonly failure: FailedTask; readonly id: string; readonly queue: string }
  /** It cannot run again; it stays listed, unless it has ended otherwise meanwhile. */
  | { readonly kind: 'refused'; readonly failure: FailedTask; readonly problem: string };

/** What failures need of the app. */
export interface FailuresContext {
  readonly stores: Stores;
  readonly clock: Clock;
  readonly registry: TaskRegistry;
  readonly results: ResultContext;
  readonly publish: (messages: readonly Message[]) => Promise<void>;
  readonly maxPayload: SizeLimit;
}

/** The tasks that ended as FAILURE and can be run again, as the history keeps them: `retention.failures`. */
export class AppFailures {
  readonly #context: FailuresContext;

  constructor(context: FailuresContext) {
    this.#context = context;
  }

  /** Failures that fit, the latest first. Throws {@link NotSupportedError} where no history is kept. */
  async list({ limit = 100, after, ...filter }: FailureListOptions = {}): Promise<readonly FailedTask[]> {
    const most = wholeNumber(1)(limit, 'failures: limit');
    const found: FailedTask[] = [];
    for await (const page of this.#pages(filter, after)) {
      found.push(...page.slice(0, most - found.length));
      if (found.length >= most) break;
    }
    return found;
  }

  /** How many fit. */
  async count(filter: FailureFilter = {}): Promise<number> {
    let count = 0;
    for await (const page of this.#pages(filter)) count += page.length;
    return count;
  }

  /** One of them; undefined when there is none of that id. */
  async get(id: string): Promise<FailedTask | undefined> {
    if (!isName(id)) throw new ConfigurationError('app.failures.get(id): the id is a non-empty, well-formed string');
    const [entry] = await (await this.#history()).failure([id]);
    return entry && toFailedTask(entry);
  }

  /** Failures that have one cause, as far as can be told: same error, same message but for numbers and ids, same place. The latest first. */
  async groups(): Promise<readonly FailureGroup[]> {
    return (await this.#history()).failureGroups();
  }

  /**
   * Runs one task again under its id, and resolves once the broker has accepted it. Who still waits for it gets the new outcome, and
   * what depends on it in its canvas goes on. Throws {@link UnknownFailureError} when there is no such failure (it was retried, or
   * discarded, or is too old), {@link TaskValidationError}, {@link ConfigurationError}, {@link BrokerUnavailableError}.
   */
  async retryOne(id: string, edits: RetryEdits = {}): Promise<AsyncResult> {
    const failure = await this.get(id);
    if (failure === undefined) throw new UnknownFailureError(id);
    const message = await this.#prepare(failure, edits);
    await this.#send(message);
    return new AsyncResult({ id, notifiesThisProcess: false }, this.#context.results);
  }

  /**
   * Runs failures again under their ids, the latest first, and says what became of each. Retried twice at once, a task runs once.
   * Throws {@link ConfigurationError} for options that cannot be and {@link BrokerUnavailableError}: what was not told of by then is
   * still listed, or can safely be retried again.
   */
  async *retry(filter: FailureFilter, options: FailureRetryOptions = {}): AsyncGenerator<Retried, void, undefined> {
    const { limit, signal, dryRun = false } = options;
    const most = limit === undefined ? Number.POSITIVE_INFINITY : wholeNumber(1)(limit, 'retry: limit');
    const pause = options.rate === undefined || dryRun ? 0 : pauseOf(options.rate);
    let sent = 0;
    for await (const failure of this.#each(filter)) {
      if (sent > 0 && pause > 0) await sleep(this.#context.clock, pause, signal).catch(() => undefined); // seen below
      if (sent >= most || signal?.aborted) return;
      sent += 1;
      yield await this.#retry(failure, options, dryRun);
    }
  }

  /** Takes failures off the list for good: their results stay. Returns how many. */
  async discard(filter: FailureFilter): Promise<number> {
    const history = await this.#history();
    let count = 0;
    for await (const page of this.#pages(filter)) {
      const gone = await history.removeFailures(page.map(({ id }) => id));
      count += gone.filter(Boolean).length;
    }
    return count;
  }

  async *#each(filter: FailureFilter): AsyncGenerator<FailedTask, void, undefined> {
    for await (const page of this.#pages(filter)) yield* page;
  }

  async #retry(failure: FailedTask, edits: RetryEdits, dryRun: boolean): Promise<Retried> {
    try {
      const message = await this.#prepare(failure, edits);
      if (!dryRun) await this.#send(message);
      return { kind: 'sent', failure, id: message.id, queue: message.queue };
    } catch (error) {
      const refused = error instanceof PublishError ? error.failures.get(failure.id) : error;
      if (!(refused instanceof LovageError) || refused.code.endsWith('UNAVAILABLE')) throw error;
      return { kind: 'refused', failure, problem: refused.message };
    }
  }

  async #prepare(failure: FailedTask, { args, queue }: RetryEdits): Promise<Message> {
    if (queue !== undefined) queueName(queue, 'retry: queue');
    if (args !== undefined && !Array.isArray(args)) throw new ConfigurationError('retry: args: expected a list');
    const { parseMessage } = await import('../message/message-parser.ts'); // zod: 50 ms nobody else should pay
    const { untrusted, ...fields }: { readonly untrusted?: string } = JSON.parse(failure.message);
    if (untrusted !== undefined) throw new SignatureError(`it is not sent again: ${untrusted}`);
    const old = parseMessage(fields);
    if (args !== undefined) await this.#checkArgs(old.task, args);
    return toRetry(old, { args: args as readonly JsonValue[] | undefined, queue }, this.#context.clock.now());
  }

  async #checkArgs(task: string, args: readonly unknown[]): Promise<void> {
    const { registry, maxPayload } = this.#context;
    assertJson(args, 'args', maxPayload, `arguments of task "${task}"`);
    const payload = registry.get(task)?.payload;
    if (payload) await decodeArgs(payload, args as readonly JsonValue[], '');
  }

  /** Records first, then the message, the list last: after a crash in between it can be done again. */
  async #send(message: Message): Promise<void> {
    const { stores, clock, publish } = this.#context;
    const { results, monitor } = await stores.open();
    const history = await this.#history();
    if (results && !(await reopenFailed(message, { results, now: () => clock.now() }))) {
      await history.removeFailures([message.id]);
      throw new UnknownFailureError(message.id, 'it has ended otherwise by now');
    }
    await monitor?.remove?.([message.id], [message.queue]); // a broker that keeps failed jobs would take the new one for the old
    await publish([message]);
    await history.removeFailures([message.id]);
  }

  /** Failures that fit, page by page, from the latest on; each once, however many come meanwhile. */
  async *#pages(
    filter: FailureFilter,
    from?: Pick<FailedTask, 'id' | 'at'>,
  ): AsyncGenerator<readonly FailedTask[], void, undefined> {
    const fits = compileFailureFilter(filter, this.#context.clock.now());
    const history = await this.#history();
    if (filter.ids !== undefined) {
      const entries = await history.failure(filter.ids);
      const found = entries.flatMap((entry) => (entry ? toFailedTask(entry) : [])).filter(fits);
      if (found.length > 0) yield found;
      return;
    }
    const { group } = filter;
    for (let after = from; ; ) {
      const page: readonly FailureEntry[] = await history.failures({
        limit: pageSize,
        ...(group === undefined ? {} : { fingerprint: group }),
        ...(after === undefined ? {} : { after }),
      });
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.row;
      const wanted = page.map(toFailedTask).filter(fits);
      if (wanted.length > 0) yield wanted;
    }
  }

  async #history(): Promise<HistoryStore> {
    const { history } = await this.#context.stores.open();
    if (history === undefined)
      throw new NotSupportedError(`${this.#context.stores.display} keeps no history: failures are not listed`);
    return history;
  }
}

function pauseOf(rate: number | string): number {
  const { count, period } = parseRate(rate, 'retry: rate');
  return period / count;
}

/** The failures of an app. */
export function createFailures({ producer, settings, ...parts }: FailuresParts): AppFailures {
  const maxPayload: SizeLimit = { bytes: settings.maxPayload, option: 'maxPayload' };
  return new AppFailures({ ...parts, publish: (messages) => producer.publish(messages), maxPayload });
}

interface FailuresParts extends Omit<FailuresContext, 'publish' | 'maxPayload'> {
  readonly producer: Pick<Producer, 'publish'>;
  readonly settings: Pick<Settings, 'maxPayload'>;
}
