import { gateTask } from '../../canvas/gate.ts';
import type { Clock } from '../../clock.ts';
import type { Delivery, MalformedEntry, Settlement } from '../../driver/broker.ts';
import type { ResultBackend } from '../../driver/result-backend.ts';
import { UnknownTaskError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { type Failure, toFailure } from '../../message/failure.ts';
import type { Message } from '../../message/message.ts';
import type { OutcomeWrite } from '../../message/outcome.ts';
import type { MaybePromise } from '../../options/schema.ts';
import { type EndedTask, outcomeTtl, type TaskEnding, toOutcome } from '../../results/outcome-writer.ts';
import { retry } from '../../retry.ts';
import { placeKeywords } from '../../task/keyword-args.ts';
import { type TaskRegistry, versionOf } from '../../task/task.ts';
import { type CanvasFollower, carrying } from './canvas-step.ts';
import type { Executor } from './executor.ts';
import { IdMap } from './id-map.ts';

/** What a consumer needs. */
export interface ConsumerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly worker: string;
  readonly registry: TaskRegistry;
  readonly executor: Executor;
  readonly results: ResultBackend | undefined;
  /** What messages of a canvas need; undefined: the app stores no results. */
  readonly canvas?: CanvasFollower | undefined;
  /** The broker stores the outcome that rides on an ack. */
  readonly acksWithOutcome: boolean;
  readonly unknownTaskGrace: number;
  /** Whether another worker of the queue can run a task that this one does not define. */
  readonly isKnownElsewhere: (message: Pick<Message, 'task' | 'queue'>) => boolean;
  /** Whether it carries a stamp or header that is revoked. */
  readonly isRevoked: (message: Message) => boolean;
  /** Called when a message that others can run came to this worker again: they are to fetch first. */
  readonly onReturned: () => void;
  /** Called for each delivery of a task that the app does not define. */
  readonly onUnknown: (message: Message) => void;
  readonly resultExpires: number;
  /** Aborts when the worker gives up waiting for the result store. */
  readonly giveUp: AbortSignal;
}

/** How long a message of an unknown task is held back, in milliseconds: until an answer is there who can run it, and where nobody can. */
const firstUnknownDelay = 50;
const shortestUnknownDelay = 1_000;
const longestUnknownDelay = 30_000;
const storeRetry = { first: 100, longest: 5_000 };

/** Receives the broker's deliveries and answers each with a settlement: joins second deliveries, sorts out unknown tasks. */
export class DeliveryReceiver {
  readonly #options: ConsumerOptions;
  readonly #underWay = new IdMap<Promise<Settlement>>();
  readonly #warned = new Set<string>();
  #handedBack = 0;

  constructor(options: ConsumerOptions) {
    this.#options = options;
  }

  /** How many tasks are under way, joined deliveries counted once. */
  get running(): number {
    return this.#underWay.size;
  }

  /** How many tasks heeded their abort in a shutdown and went back unspent. */
  get handedBack(): number {
    return this.#handedBack;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay.values());
  }

  /**
   * A second delivery of a task that this process still runs (its lease ran out and it came back to us) joins the
   * running attempt: one execution, both deliveries settled alike.
   */
  readonly deliver = (delivery: Delivery): MaybePromise<Settlement> => {
    const { id } = delivery.message;
    const running = this.#underWay.get(id);
    if (running !== undefined) {
      this.#options.logger.warn('a running task was delivered again (its lease was lost): joined the running attempt', {
        taskId: id,
      });
      return running;
    }
    const settling = this.#receive(delivery);
    if (!(settling instanceof Promise)) return this.#answered(settling);
    this.#underWay.add(id, settling);
    const done = (settlement?: Settlement): void => {
      this.#underWay.delete(id);
      if (settlement) this.#answered(settlement);
    };
    settling.then(done, () => done());
    return settling;
  };

  #answered(settlement: Settlement): Settlement {
    if (settlement.kind === 'release' && this.#options.giveUp.aborted) this.#handedBack += 1;
    return settlement;
  }

  /** Parks an entry that is no message; where an id can be read, its task and what depends on it in a canvas fail. */
  readonly malformed = async (entry: MalformedEntry): Promise<Settlement> => {
    const { queue, id, task = '', reason, replyTo, canvas } = entry;
    this.#options.logger.error('parked a malformed message', { queue, taskId: id, error: reason.message });
    if (id === undefined) return { kind: 'deadLetter', reason };
    const read = { id, task, ...(replyTo === undefined ? {} : { replyTo }), ...(canvas ? { canvas } : {}) };
    const outcome = this.#failed(read, reason);
    const settlement: Settlement = { kind: 'deadLetter', reason, ...(outcome ? { outcome } : {}) };
    if (this.#options.canvas === undefined || outcome === undefined) return this.#stored(settlement);
    const followed = await this.#options.canvas.endUnreadable(read, settlement, outcome);
    return followed ?? this.#stored(settlement);
  };

  /** Not async: a plain task on a broker that stores outcomes itself takes no turn of the queue here. */
  #receive(delivery: Delivery): MaybePromise<Settlement> {
    const { canvas, registry, executor, acksWithOutcome } = this.#options;
    const { message } = delivery;
    const known = registry.get(message.task);
    const definition = known && versionOf(known, message.version);
    if (definition?.handler === undefined) {
      if (canvas && message.task === gateTask) return canvas.openGate(message);
      const settlement = this.#unknown(delivery);
      return settlement instanceof Promise
        ? settlement.then((late) => this.#unrun(message, late))
        : this.#unrun(message, settlement);
    }
    if (message.kwargs !== undefined) return this.#receiveNamed(delivery, definition.options.params);
    if (canvas && message.canvas) return canvas.run(delivery, (loaded) => executor.execute(definition, loaded));
    const settling = executor.execute(definition, delivery);
    if (acksWithOutcome) return settling;
    return settling instanceof Promise
      ? settling.then((settlement) => this.#stored(settlement))
      : this.#stored(settling);
  }

  #unrun(message: Message, settlement: Settlement): MaybePromise<Settlement> {
    const { canvas } = this.#options;
    return canvas && message.canvas ? canvas.follow(message, settlement) : this.#stored(settlement);
  }

  /** Keyword arguments are placed before anything looks at the arguments. */
  #receiveNamed(delivery: Delivery, params: readonly string[] | undefined): MaybePromise<Settlement> {
    const { message } = delivery;
    try {
      return this.#receive(carrying(delivery, placeKeywords(message, params)));
    } catch (error) {
      const outcome = this.#failed(message, toFailure(error));
      const settlement: Settlement = { kind: 'ack', ...(outcome ? { outcome } : {}) };
      return this.#unrun(message, settlement);
    }
  }

  /**
   * Kept for a worker that knows the task, as in a rolling deploy; after the grace it is parked and fails. Where such a worker is there,
   * it goes back at once.
   */
  #unknown({ message }: Delivery): MaybePromise<Settlement> {
    const { clock, unknownTaskGrace } = this.#options;
    this.#options.onUnknown(message);
    const now = clock.now();
    const since = message.unknownSince ?? now;
    const handedBack = (delay: number): Settlement => ({
      kind: 'retryAt',
      message: { ...message, unknownSince: since, mayRepeat: true },
      at: now + delay,
    });
    if (!this.#lacksVersion(message) && this.#options.isKnownElsewhere(message)) {
      if (message.unknownSince !== undefined) this.#options.onReturned();
      return handedBack(0);
    }
    const waited = now - since;
    const lapses =
      Math.min(message.expires ?? Number.POSITIVE_INFINITY, message.deadline ?? Number.POSITIVE_INFINITY) + 1;
    if (lapses <= now) return this.#revoked(message, 'expired');
    if (this.#options.isRevoked(message)) return this.#revoked(message, 'revoked');
    if (waited >= unknownTaskGrace) return this.#parkUnknown(message);
    this.#warnUnknown(message);
    const left = Math.min(unknownTaskGrace - waited, lapses - now);
    if (message.unknownSince === undefined) return handedBack(Math.min(firstUnknownDelay, left));
    const delay = Math.min(Math.max(shortestUnknownDelay, waited / 4), longestUnknownDelay);
    return handedBack(Math.min(delay, left));
  }

  /** It is not to run, whoever knows it: it need not wait for the grace to end. */
  async #revoked(message: Message, reason: 'expired' | 'revoked'): Promise<Settlement> {
    const { results } = this.#options;
    const [last] = message.retries > 0 && results ? await results.get([message.id]).catch(() => []) : [];
    const failure = last?.failure ? { failure: last.failure } : {};
    const outcome = this.#ended(message, { state: 'REVOKED', reason, ...failure });
    return { kind: 'ack', ...(outcome ? { outcome } : {}) };
  }

  #parkUnknown(message: Message): Settlement {
    const { task, queue, id } = message;
    const reason = toFailure(new UnknownTaskError(this.#nameOf(message), `no worker of queue "${queue}" knows it`, id));
    this.#options.logger.error('parked a message of an unknown task', { task, taskId: id });
    const outcome = this.#failed(message, reason);
    return { kind: 'deadLetter', reason, ...(outcome ? { outcome } : {}) };
  }

  /** Other workers may know the workflow, and lack this version of it as well. */
  #lacksVersion({ task }: Message): boolean {
    return this.#options.registry.get(task) !== undefined;
  }

  #nameOf(message: Message): string {
    return this.#lacksVersion(message) ? `${message.task}" of version "${message.version}` : message.task;
  }

  #warnUnknown(message: Message): void {
    const { logger, registry, unknownTaskGrace } = this.#options;
    const task = this.#nameOf(message);
    if (this.#warned.has(task)) return;
    this.#warned.add(task);
    const closest = this.#lacksVersion(message) ? undefined : registry.closest(task);
    logger.warn(
      `unknown task "${task}"${closest ? ` (did you mean "${closest}"?)` : ''}: its messages wait for a worker that knows it`,
      { graceMs: unknownTaskGrace },
    );
  }

  /** The FAILURE of a task that never ran. */
  #failed(task: EndedTask, failure: Failure): OutcomeWrite | undefined {
    return this.#ended(task, { state: 'FAILURE', failure });
  }

  /** The outcome of a task that this worker did not run. */
  #ended(task: EndedTask, ending: TaskEnding): OutcomeWrite | undefined {
    const { results, clock, worker, resultExpires } = this.#options;
    if (results === undefined) return undefined;
    const ttl = outcomeTtl(ending.state, resultExpires);
    return toOutcome(task, ending, { now: clock.now(), worker, ttl });
  }

  /**
   * Where the broker does not store outcomes itself: store first, then settle. A store that does not answer is asked
   * again until it does, since the task must not be run twice for it; only a worker that ends gives the message back.
   */
  async #stored(settlement: Settlement): Promise<Settlement> {
    const { results, acksWithOutcome, giveUp, clock, logger } = this.#options;
    if (acksWithOutcome || results === undefined || !('outcome' in settlement) || settlement.outcome === undefined)
      return settlement;
    const { outcome, ...rest } = settlement;
    const onError = (error: unknown, inMs: number): void =>
      logger.warn('could not store a result, trying again', { taskId: outcome.record.id, error, inMs });
    const stored = await retry(clock, { ...storeRetry, onError }, giveUp, () => results.put([outcome]));
    return stored === undefined ? { kind: 'release' } : (rest as Settlement);
  }
}
