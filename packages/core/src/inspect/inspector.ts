import type { Lovage } from '../app/app.ts';
import { runtimeOf } from '../app/app-runtime.ts';
import type { StoreReport } from '../driver/driver.ts';
import { type DeadLetter, type Monitor, type QueueCounts, undeliveredPages } from '../driver/monitor.ts';
import { NotSupportedError } from '../errors.ts';
import type { WorkerReport } from '../events/worker-report.ts';
import { type Duration, parseDuration } from '../options/duration.ts';
import { isName } from '../options/well-formed.ts';
import { OutcomeWriter } from '../results/outcome-writer.ts';
import { type ImportOptions, type ImportReport, importJobs } from './import-jobs.ts';

/** What the fleet looks like. */
export interface FleetStatus {
  /** Workers that answered in time, by name. */
  readonly workers: readonly WorkerReport[];
  readonly queues: readonly QueueCounts[];
}

/** A task that waits in a queue. */
export interface WaitingTask {
  readonly id: string;
  readonly task: string;
  readonly args: readonly unknown[];
  readonly queue: string;
  readonly priority: number;
  /** How often it was retried. */
  readonly retries: number;
  /** When it was sent, epoch ms. */
  readonly sentAt: number;
  readonly tags?: readonly string[];
}

/** How long to wait for workers to answer. */
export interface AskOptions {
  /** @default '500ms' */
  readonly timeout?: Duration;
}

/** Looks at an app's queues and workers from any process. */
export class Inspector {
  readonly #app: Lovage;

  constructor(app: Lovage) {
    this.#app = app;
  }

  /** Asks the broker for a sign of life. Throws {@link BrokerUnavailableError} or a kin within the timeout. */
  async check({ timeout = '5s' }: { readonly timeout?: Duration } = {}): Promise<StoreReport> {
    const { brokerConnection } = await runtimeOf(this.#app).stores.open();
    return brokerConnection.check(parseDuration(timeout, 'inspect: timeout'));
  }

  /** Workers and queues. */
  async status(options: AskOptions = {}): Promise<FleetStatus> {
    const [workers, queues] = await Promise.all([this.workers(options), this.queues()]);
    return { workers, queues };
  }

  /** The workers that answer within the timeout. */
  async workers({ timeout = '500ms' }: AskOptions = {}): Promise<readonly WorkerReport[]> {
    const reports = await this.#app.inspect.stats({ timeout });
    return Object.values(reports).filter((report) => typeof report.name === 'string'); // a refusal is no report
  }

  /** How much stands in each queue; all queues of the broker when none are named. */
  async queues(names?: readonly string[]): Promise<readonly QueueCounts[]> {
    const monitor = await this.#monitor();
    return monitor.counts(names ?? (await monitor.queues()));
  }

  /**
   * For how many milliseconds the oldest waiting message of each of these queues has been ready: undefined when none waits, or
   * the broker cannot say.
   */
  async oldest(names: readonly string[]): Promise<readonly (number | undefined)[]> {
    const monitor = await this.#monitor();
    return (await monitor.oldest?.(names)) ?? names.map(() => undefined);
  }

  /**
   * Deletes what waits in a queue; the deleted tasks end REVOKED (`purged`) for their waiters, and so does what depends on
   * them in their canvas. Returns how many were deleted.
   */
  async purge(queue: string): Promise<number> {
    const monitor = await this.#monitor();
    const ended = await this.#endWaiting(assertQueue(queue), monitor);
    const ids = await monitor.purge(queue); // what cannot be read as a message, and what came meanwhile
    await this.#revoke(ids);
    return ended + ids.length;
  }

  /**
   * Pauses a queue on every worker there is or will be, until it is resumed: it accepts tasks and what runs goes on, but nothing
   * is begun. Durable: restarts of workers and of the broker leave it paused. Throws {@link NotSupportedError} where the broker cannot.
   */
  pauseQueue(queue: string): Promise<void> {
    return this.#setPaused(queue, true);
  }

  /** Lets a paused queue go on. Does nothing to one that is not paused. */
  resumeQueue(queue: string): Promise<void> {
    return this.#setPaused(queue, false);
  }

  /**
   * The tasks that a queue hands out next, without taking them: ready to run, in the order of delivery as far as the broker can
   * say. Delayed ones are left out. Throws {@link NotSupportedError} where the broker cannot tell.
   */
  async peek(queue: string, { limit = 10 }: { readonly limit?: number } = {}): Promise<readonly WaitingTask[]> {
    const monitor = await this.#monitor();
    if (!monitor.peek) throw new NotSupportedError('this broker does not support queue inspection message by message');
    const messages = await monitor.peek(queue, limit);
    return messages.map(({ id, task, args, priority, retries, sentAt, tags }) => ({
      ...{ id, task, args, queue, priority, retries, sentAt },
      ...(tags ? { tags } : {}),
    }));
  }

  /**
   * The other program that created this queue ("BullMQ (bullmq:6.7.0), whose jobs it holds"); undefined when it is Lovage's, when it is
   * not there yet, and where other programs have no queues.
   */
  async foreignOwner(queue: string): Promise<string | undefined> {
    return (await this.#monitor()).foreign?.(assertQueue(queue)).owner();
  }

  /**
   * Makes a queue that another program created Lovage's; returns what that program was. Jobs of it that are still there are parked as
   * dead letters when a worker meets them: import them first.
   */
  async adoptQueue(queue: string): Promise<string | undefined> {
    const foreign = (await this.#monitor()).foreign?.(assertQueue(queue));
    const owner = await foreign?.owner();
    await foreign?.adopt();
    return owner;
  }

  /** Moves the jobs that wait in a queue of BullMQ to Lovage: see {@link importJobs}. Throws {@link NotSupportedError} where none can be. */
  async importJobs(queue: string, options?: ImportOptions): Promise<ImportReport> {
    const foreign = (await this.#monitor()).foreign?.(assertQueue(queue));
    if (!foreign)
      throw new NotSupportedError(
        'this broker has no queues of other programs: jobs of BullMQ are imported over redis://',
      );
    return importJobs(this.#app, queue, foreign, options);
  }

  /** The parked messages of a queue, newest first. */
  async deadLetters(queue: string, limit = 100): Promise<readonly DeadLetter[]> {
    return (await this.#monitor()).deadLetters(queue, limit);
  }

  async #setPaused(queue: string, paused: boolean): Promise<void> {
    assertQueue(queue);
    const monitor = await this.#monitor();
    if (!monitor.setPaused) throw new NotSupportedError('this broker cannot pause queues');
    await monitor.setPaused(queue, paused);
  }

  /**
   * Ends tasks first and deletes their messages then: a purge that is killed in between leaves messages of tasks that have ended,
   * which no worker runs, and no waiter without an end. Returns how many were deleted.
   */
  async #endWaiting(queue: string, monitor: Monitor): Promise<number> {
    const { canvas, results } = runtimeOf(this.#app);
    if (!results.enabled) return 0;
    let count = 0;
    for await (const messages of undeliveredPages(monitor, queue)) {
      if (messages.length > 0) count += await canvas.endMessages(messages, 'purged', queue);
    }
    return count;
  }

  async #revoke(ids: readonly string[]): Promise<void> {
    const { stores, clock, settings } = runtimeOf(this.#app);
    const { results } = await stores.open();
    if (results === undefined) return;
    const outcomes = new OutcomeWriter({ results, now: () => clock.now(), resultExpires: settings.resultExpires });
    const tasks = ids.map((id) => ({ id }));
    await outcomes.revoke(tasks, 'purged');
  }

  async #monitor(): Promise<Monitor> {
    const { monitor } = await runtimeOf(this.#app).stores.open();
    if (monitor === undefined) throw new NotSupportedError('this broker does not support queue inspection');
    return monitor;
  }
}

function assertQueue(queue: string): string {
  if (isName(queue)) return queue;
  throw new TypeError(`inspect: expected the name of a queue, received ${JSON.stringify(queue)}`);
}
