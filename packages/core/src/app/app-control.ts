import type { Clock } from '../clock.ts';
import { sleep } from '../clock.ts';
import type { ResultBackend } from '../driver/result-backend.ts';
import { ConfigurationError, NotSupportedError } from '../errors.ts';
import {
  type ControlArgs,
  type ControlReply,
  controlTopic,
  parseReply,
  replyTopic,
} from '../events/control-message.ts';
import type { WorkerReport } from '../events/worker-report.ts';
import { everyone } from '../results/result-inbox.ts';
import { type Duration, parseDuration } from '../task/duration.ts';
import type { JsonValue } from '../task/json.ts';
import { isFinal, type OutcomeRecord, type OutcomeWrite } from '../task/outcome.ts';
import { newTaskId } from '../task/task-id.ts';
import type { Stores } from './stores.ts';

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

interface RevokedParts {
  readonly parts: readonly OutcomeRecord[];
  readonly others: readonly string[];
}

/** What talking to workers needs. */
export interface ControlContext {
  readonly clock: Clock;
  readonly stores: Stores;
  readonly resultExpires: number;
  /** Told of units of canvases that were revoked before they ran, so that what depends on them ends too. */
  readonly onRevoked: (records: readonly OutcomeRecord[]) => Promise<void>;
}

/** Commands to the fleet, from any process. */
export class AppControl {
  readonly #context: ControlContext;

  constructor(context: ControlContext) {
    this.#context = context;
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
    const { results, monitor } = await this.#context.stores.open();
    if (results === undefined) {
      throw new NotSupportedError("revoke needs a result store, where it is remembered (backend: 'none')");
    }
    const { parts, others } = await this.#partsOfCanvases(results, list);
    await results.put(list.map((id) => this.#revoked(id)));
    await monitor?.remove?.(others);
    await this.#context.onRevoked(parts);
    return terminate ? this.broadcast('terminate', { ids: list }, options) : {};
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
      await bus.publish(controlTopic, { id, command, args, ...destinationOf(options) });
      await sleep(this.#context.clock, timeout);
    } finally {
      await subscription.close();
    }
    return [...replies.values()].sort((a, b) => a.worker.localeCompare(b.worker));
  }

  /**
   * What stands in a canvas is not removed from its queue: the worker that meets it there ends what depends on it. What is
   * still laid down for later is told apart, since nobody would meet it.
   */
  async #partsOfCanvases(results: ResultBackend, ids: readonly string[]): Promise<RevokedParts> {
    const records = await results.get(ids);
    const others = ids.filter(
      (id, index) => !/[.~]n*\d+$/.test(id) && !records[index]?.canvas && !records[index]?.plan,
    );
    return {
      parts: records.filter((record) => record?.plan !== undefined && !isFinal(record)) as OutcomeRecord[],
      others,
    };
  }

  #revoked(id: string): OutcomeWrite {
    if (typeof id !== 'string' || id === '') throw new ConfigurationError('revoke: expected task ids');
    const record = { id, task: '', state: 'REVOKED', reason: 'revoked', attempts: 0, at: this.#context.clock.now() };
    return { record, ttl: this.#context.resultExpires, replyTo: everyone };
  }
}

/** Questions to the fleet, from any process. */
export class AppInspect {
  readonly #control: AppControl;

  constructor(control: AppControl) {
    this.#control = control;
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

  /** The tasks each worker can run. */
  registered(options?: ControlOptions): Promise<Replies> {
    return this.#control.broadcast('registered', {}, options);
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
}

function destinationOf({ destination }: ControlOptions): { readonly destination?: readonly string[] } {
  if (destination === undefined) return {};
  return { destination: typeof destination === 'string' ? [destination] : destination };
}
