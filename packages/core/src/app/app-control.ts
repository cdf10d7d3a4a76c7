import { sleep } from '../clock.ts';
import type { RevocationRule } from '../driver/revocation-store.ts';
import { NotSupportedError } from '../errors.ts';
import { type ControlArgs, type ControlReply, parseReply, replyTopic, topicOf } from '../events/control-message.ts';
import type { WorkerReport } from '../events/worker-report.ts';
import { orderedKeyOf, orderGroup } from '../flow/acquire-request.ts';
import type { ConcurrencyLimiter } from '../flow/concurrency-limiter.ts';
import type { JsonValue } from '../message/json.ts';
import { newTaskId } from '../message/task-id.ts';
import { type Duration, parseDuration } from '../options/duration.ts';
import type { Stores } from '../stores/stores.ts';
import { Revoker, type RevokerContext, type StampedHeaders } from './revoker.ts';

/** Whom to ask, and how long to wait for answers. */
export interface ControlOptions {
  /** Names of workers, or globs such as `'mail-*'`. @default all */
  readonly destination?: string | readonly string[];
  /** How long answers are collected. @default '1s' */
  readonly timeout?: Duration;
}

/** Answers by worker. */
export type Replies<T = JsonValue> = Readonly<Record<string, T>>;

/** What {@link AppControl.revoke} takes. */
export interface RevokeOptions extends ControlOptions {
  /** Also break off the task where it runs. @default false */
  readonly terminate?: boolean;
}

/** What {@link AppControl.revokeByStampedHeaders} takes. */
export interface StampedRevokeOptions extends Pick<ControlOptions, 'timeout'> {
  /** Also break the tasks off where they run. @default false */
  readonly terminate?: boolean;
  /** How long the rule holds: what is met later is run. Celery keeps its revokes as long. @default '3h' */
  readonly expires?: Duration;
}

/** What {@link AppControl.revokeByStampedHeaders} came upon. */
export interface StampedRevocation {
  /** The tasks that waited or were delayed. */
  readonly waiting: readonly string[];
  /** By worker: the tasks that ran. */
  readonly running: Replies;
}

/** An ordering key that is closed. */
export interface HaltedKey {
  readonly task: string;
  readonly key: string;
  /** The task that failed. */
  readonly failed: string;
  /** Where it ran. */
  readonly queue: string;
}

/** What talking to workers needs. */
export interface ControlContext extends RevokerContext {
  readonly concurrencyLimiter: ConcurrencyLimiter;
}

/** Commands to the fleet, from any process. */
export class AppControl {
  readonly #context: ControlContext;
  readonly #revoker: Revoker;

  constructor(context: ControlContext) {
    this.#context = context;
    this.#revoker = new Revoker(context);
  }

  /**
   * Takes tasks back, durably: each ends REVOKED for its waiters at once, is removed where it waits, and is not run where
   * it comes up again (a retry, a redelivery). One that runs goes on without effect on its outcome; with `terminate` it is
   * broken off. A task that has ended stays as it ended. Answers are the ids that were broken off, by worker.
   */
  async revoke(
    ids: string | readonly string[],
    { terminate = false, ...options }: RevokeOptions = {},
  ): Promise<Replies> {
    const list = typeof ids === 'string' ? [ids] : ids;
    const ended = await this.#revoker.revoke(list);
    return terminate ? this.broadcast('terminate', { ids: [...ended] }, options) : {};
  }

  /**
   * Takes back every task that carries a stamp or header of one of these names with (one of) its values: waiting, delayed,
   * retrying or still to be sent by its canvas, and running ones with `terminate`. The rule is kept until it expires and
   * holds for workers started later, so tasks that are sent meanwhile under the same stamp are taken back too. Resolves
   * with the ids that were found waiting, whose waiters have been told, and with those that ran, by worker. Celery's
   * `revoke_by_stamped_headers`, durable. Throws {@link ConfigurationError}, {@link NotSupportedError}.
   */
  async revokeByStampedHeaders(
    headers: StampedHeaders,
    { terminate = false, expires = '3h', timeout }: StampedRevokeOptions = {},
  ): Promise<StampedRevocation> {
    const rules = await this.#revoker.addRules(headers, { terminate, expires });
    const asking = this.broadcast('revoke-by-stamped-headers', {}, timeout === undefined ? {} : { timeout });
    const [running, waiting] = await Promise.all([asking, this.#revoker.revokeWaiting(rules)]);
    return { waiting, running };
  }

  /** Takes such rules back before they expire; what they have ended stays ended. Returns how many of them there were. */
  liftStampedHeaders(headers: StampedHeaders): Promise<number> {
    return this.#revoker.lift(headers);
  }

  /** The rules of {@link AppControl.revokeByStampedHeaders} that hold, the latest first. */
  stampedRevocations(): Promise<readonly RevocationRule[]> {
    return this.#revoker.rules();
  }

  /** Breaks tasks off where they run. */
  terminate(ids: string | readonly string[], options?: ControlOptions): Promise<Replies> {
    return this.revoke(ids, { ...options, terminate: true });
  }

  /** Changes a task's time limits, live; calls that carry their own keep them. */
  timeLimit(
    task: string,
    limits: { readonly soft?: Duration; readonly hard?: Duration },
    options?: ControlOptions,
  ): Promise<Replies> {
    return this.broadcast('time-limit', { task, soft: limits.soft ?? null, hard: limits.hard ?? null }, options);
  }

  /** Changes a task's rate limit over all workers, live; null lifts it. Calls that wait for their moment keep it. */
  rateLimit(task: string, rate: number | string | null, options?: ControlOptions): Promise<Replies> {
    return this.broadcast('rate-limit', { task, rate }, options);
  }

  poolGrow(n = 1, options?: ControlOptions): Promise<Replies> {
    return this.broadcast('pool-grow', { n }, options);
  }

  poolShrink(n = 1, options?: ControlOptions): Promise<Replies> {
    return this.broadcast('pool-shrink', { n }, options);
  }

  /** Lets the slots of workers follow their load between these bounds. */
  autoscale(max: number, min: number, options?: ControlOptions): Promise<Replies> {
    return this.broadcast('autoscale', { max, min }, options);
  }

  addConsumer(queue: string, options?: ControlOptions): Promise<Replies> {
    return this.broadcast('add-consumer', { queue }, options);
  }

  cancelConsumer(queue: string, options?: ControlOptions): Promise<Replies> {
    return this.broadcast('cancel-consumer', { queue }, options);
  }

  enableEvents(options?: ControlOptions): Promise<Replies> {
    return this.broadcast('enable-events', {}, options);
  }

  disableEvents(options?: ControlOptions): Promise<Replies> {
    return this.broadcast('disable-events', {}, options);
  }

  /** The ordering keys that a failed task has closed (`orderingPolicy: 'halt'`), with that task's id. */
  async haltedKeys(): Promise<readonly HaltedKey[]> {
    const places = await this.#context.concurrencyLimiter.halted();
    return places.flatMap(({ group, id, queue }) => {
      const key = orderedKeyOf(group);
      return key === undefined ? [] : [{ ...key, failed: id, queue }];
    });
  }

  /** Opens an ordering key that a failed task has closed: the next call runs. False when it is not closed. */
  resumeKey(task: string, key: string): Promise<boolean> {
    return this.#context.concurrencyLimiter.resume(orderGroup(task, key));
  }

  /** Workers drain and end, as on SIGTERM. */
  shutdown(options?: ControlOptions): Promise<Replies> {
    return this.broadcast('shutdown', {}, options);
  }

  /** Sends a command and collects the answers; a refusal is an answer `{ error }`. */
  async broadcast(command: string, args: ControlArgs, options?: ControlOptions): Promise<Replies> {
    const replies = await this.ask(command, args, options);
    return Object.fromEntries(
      replies.map(({ worker, reply, error }) => [worker, error === undefined ? (reply ?? null) : { error }]),
    );
  }

  /** As {@link AppControl.broadcast}, answers as they came. */
  async ask(command: string, args: ControlArgs = {}, options: ControlOptions = {}): Promise<readonly ControlReply[]> {
    const timeout = parseDuration(options.timeout ?? 1000, `${command}: timeout`);
    const { bus } = await this.#context.stores.open();
    if (bus === undefined) throw new NotSupportedError('this broker has no bus: workers cannot be asked');
    const id = newTaskId();
    const replies = new Map<string, ControlReply>();
    const subscription = await bus.subscribe(replyTopic(id), (input) => {
      const reply = parseReply(input);
      if (reply) replies.set(reply.worker, reply);
    });
    try {
      await bus.publish(topicOf(command), { id, command, args, ...destinationOf(options) });
      await sleep(this.#context.clock, timeout);
    } finally {
      await subscription.close();
    }
    return [...replies.values()].sort((a, b) => a.worker.localeCompare(b.worker));
  }
}

/** Questions to the fleet, from any process. */
export class AppInspect {
  readonly #control: AppControl;
  readonly #stores: Stores;

  constructor(control: AppControl, stores: Stores) {
    this.#control = control;
    this.#stores = stores;
  }

  /**
   * How many tasks wait, by queue. Celery's workers hold such tasks in memory; here they wait in the broker, which is asked.
   * `queues`: these only.
   */
  reserved(queues?: readonly string[]): Promise<Readonly<Record<string, number>>> {
    return this.#count('waiting', queues);
  }

  /** How many tasks wait for their time, by queue: delayed ones and retries. As {@link AppInspect.reserved}. */
  scheduled(queues?: readonly string[]): Promise<Readonly<Record<string, number>>> {
    return this.#count('delayed', queues);
  }

  async #count(place: 'waiting' | 'delayed', names?: readonly string[]): Promise<Readonly<Record<string, number>>> {
    const { monitor } = await this.#stores.open();
    if (monitor === undefined) throw new NotSupportedError('this broker does not support queue inspection');
    const counts = await monitor.counts(names ?? (await monitor.queues()));
    return Object.fromEntries(counts.map((queue) => [queue.queue, queue[place]]));
  }

  ping(options?: ControlOptions): Promise<Replies> {
    return this.#control.broadcast('ping', {}, options);
  }

  /** What each worker is and does. */
  async stats(options?: ControlOptions): Promise<Replies<WorkerReport>> {
    return (await this.#control.broadcast('stats', {}, options)) as unknown as Replies<WorkerReport>;
  }

  /** The tasks that run now. */
  active(options?: ControlOptions): Promise<Replies> {
    return this.#control.broadcast('active', {}, options);
  }

  /** The tasks each worker can run. `taskInfo`: attributes that a worker of Celery's puts behind each name: `proj.add [rate_limit=10/s]`. */
  registered(options: ControlOptions & { readonly taskInfo?: readonly string[] } = {}): Promise<Replies> {
    const { taskInfo, ...rest } = options;
    return this.#control.broadcast('registered', taskInfo ? { taskinfoitems: [...taskInfo] } : {}, rest);
  }

  /** Each worker's settings, without secrets. */
  conf(options?: ControlOptions): Promise<Replies> {
    return this.#control.broadcast('conf', {}, options);
  }

  /** What the workers know of these tasks. */
  query(ids: string | readonly string[], options?: ControlOptions): Promise<Replies> {
    return this.#control.broadcast('query', { ids: typeof ids === 'string' ? [ids] : ids }, options);
  }

  /** The ids each worker broke off. */
  revoked(options?: ControlOptions): Promise<Replies> {
    return this.#control.broadcast('revoked', {}, options);
  }

  /** The rules of `app.control.revokeByStampedHeaders` that hold, the latest first; asks the broker. */
  revokedStamps(): Promise<readonly RevocationRule[]> {
    return this.#control.stampedRevocations();
  }
}

function destinationOf({ destination }: ControlOptions): { readonly destination?: readonly string[] } {
  if (destination === undefined) return {};
  return { destination: typeof destination === 'string' ? [destination] : destination };
}
