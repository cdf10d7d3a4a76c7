import type { CanvasSender } from '../../canvas/canvas-sender.ts';
import type { Ending } from '../../canvas/continuation.ts';
import { planTtl } from '../../canvas/plan-sink.ts';
import type { Clock } from '../../clock.ts';
import type { Delivery, Settlement } from '../../driver/broker.ts';
import type { JoinMember, JoinState, ResultBackend } from '../../driver/result-backend.ts';
import { type ErrorCode, LovageError, PublishError, ResultExpiredError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { type Failure, toFailure } from '../../message/failure.ts';
import type { JsonValue } from '../../message/json.ts';
import type { Message } from '../../message/message.ts';
import { isFinal, type OutcomeRecord, type OutcomeWrite } from '../../message/outcome.ts';
import type { MaybePromise } from '../../options/schema.ts';
import { listValues } from '../../results/list-values.ts';
import { canvasTtl, OutcomeWriter, toOutcome } from '../../results/outcome-writer.ts';
import { retry } from '../../retry.ts';

/** What the canvas step of a worker needs. */
export interface CanvasStepOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly worker: string;
  readonly canvas: CanvasSender;
  readonly results: ResultBackend;
  /** The broker records members of groups as it acks them. */
  readonly acksWithJoin: boolean;
  readonly resultExpires: number;
  /** Aborts when the worker gives up waiting for the stores. */
  readonly giveUp: AbortSignal;
}

/** As much of a message as says what follows it. */
type CanvasPart = Pick<Message, 'id' | 'task' | 'canvas'>;

/** Runs the delivery of a known task, or answers for an unknown one. */
export type Execute = (delivery: Delivery) => MaybePromise<Settlement>;

const pause = { first: 100, longest: 5_000 };

/** What a worker does for messages of canvases, beside running them. */
export type CanvasFollower = Pick<CanvasStep, 'run' | 'follow' | 'replace' | 'openGate' | 'endUnreadable'>;

/** Gives up: the message goes back unspent, and everything is done again by whoever gets it. */
const released: Settlement = { kind: 'release' };

/**
 * What a message of a canvas needs beside its own run: its input loaded before, and what follows it done afterwards:
 * outcome stored → waiters rung → continuation → ack. Done again after a crash, none of it happens twice.
 */
export class CanvasStep {
  readonly #options: CanvasStepOptions;
  readonly #outcomes: OutcomeWriter;
  readonly #replaced = new Set<string>();

  constructor(options: CanvasStepOptions) {
    this.#options = options;
    const { results, clock, resultExpires } = options;
    this.#outcomes = new OutcomeWriter({ results, now: () => clock.now(), resultExpires });
  }

  /** The life of a delivery that belongs to a canvas. */
  run(delivery: Delivery, execute: Execute): MaybePromise<Settlement> {
    const { message } = delivery;
    if (message.canvas?.input !== undefined) return this.#runLoaded(delivery, execute);
    const settlement = execute(delivery);
    return settlement instanceof Promise
      ? settlement.then((late) => this.follow(message, late))
      : this.follow(message, settlement);
  }

  async #runLoaded(delivery: Delivery, execute: Execute): Promise<Settlement> {
    const { message } = delivery;
    const loaded = await this.#loaded(message);
    if (loaded === undefined) return released;
    const settlement =
      'failure' in loaded
        ? this.#failed(message, loaded.failure)
        : await execute(loaded.message === message ? delivery : carrying(delivery, loaded.message));
    if (settlement.kind === 'retryAt') return { ...settlement, message: unloaded(settlement.message, loaded, message) };
    return this.follow(message, settlement);
  }

  /** Stores the outcome of a settlement and does what follows it; what most members need rides on the ack where it can. */
  follow(message: Message, settlement: Settlement): MaybePromise<Settlement> {
    if (settlement.kind === 'release' || settlement.kind === 'retryAt' || this.#replaced.delete(message.id))
      return settlement;
    const { outcome = this.#ignored(message), ...rest } = settlement;
    const member = memberOf(message, outcome);
    if (member !== undefined && this.#options.acksWithJoin && settlement.kind === 'ack') {
      const follow = (state: JoinState) => this.#end(message, rest, () => this.#afterJoin(message, outcome, state));
      return { kind: 'ack', outcome, join: { ...member, follow } };
    }
    return this.#end(message, rest, () => this.#storeAndContinue(message, outcome, member));
  }

  /** The settlement when the work is done; tried until it is, or the worker ends. */
  async #end(message: Pick<Message, 'id'>, settlement: Settlement, work: () => Promise<void>): Promise<Settlement> {
    const done = await this.#retryUntilAborted(message.id, async () => {
      await work();
      return true;
    });
    return done ? settlement : released;
  }

  async #storeAndContinue(message: CanvasPart, outcome: OutcomeWrite, member: Member | undefined): Promise<void> {
    const state = member && (await this.#options.results.join({ ...member, succeeded: true, outcome }));
    if (state) return this.#afterJoin(message, outcome, state);
    await this.#continue(message, await this.#outcomes.storeOne(outcome));
  }

  /** The outcome is stored and the member recorded, or another outcome stands. */
  async #afterJoin(message: CanvasPart, outcome: OutcomeWrite, { refused, complete }: JoinState): Promise<void> {
    if (refused) return this.#continue(message, await this.#outcomes.storeOne(outcome));
    const { join } = message.canvas ?? {};
    if (complete && join) await (await this.#options.canvas.runner()).completed(join.group);
  }

  /**
   * Ends what depends on a message that cannot be read. Where its place in a canvas cannot be read either, the store is asked, which
   * keeps the plan of all but first steps, and then its id, which says where it stands. undefined: it belongs to no canvas.
   */
  async endUnreadable(
    { id, task, canvas }: CanvasPart,
    settlement: Settlement,
    outcome: OutcomeWrite,
  ): Promise<Settlement | undefined> {
    const find = async () => (await (await this.#options.canvas.runner()).slotHolderOf(id)) ?? {};
    const found = canvas ?? (await this.#retryUntilAborted(id, find));
    if (found === undefined) return released;
    if (Object.keys(found).length === 0) return undefined;
    const { outcome: _stored, ...rest } = settlement as Extract<Settlement, { kind: 'deadLetter' }>;
    const record = { ...outcome.record, canvas: found };
    return this.#end({ id }, rest, () =>
      this.#storeAndContinue({ id, task, canvas: found }, { ...outcome, record }, undefined),
    );
  }

  /** Puts a canvas in a running task's place. */
  async replace(message: Message, canvas: object | undefined, added: number | undefined): Promise<Settlement> {
    const replaced = await this.#retryUntilAborted(message.id, async () => {
      try {
        if (canvas === undefined) await this.#options.canvas.startReplacement(message.id);
        else await this.#options.canvas.replace(message, canvas, added);
        return {};
      } catch (error) {
        if (!isLasting(error)) throw error;
        return { failure: toFailure(error) };
      }
    });
    if (replaced === undefined) return released;
    if ('failure' in replaced && replaced.failure) return this.#failed(message, replaced.failure);
    if (message.canvas) this.#replaced.add(message.id);
    return { kind: 'ack' };
  }

  /** A gate was decided, or its time is over. */
  async openGate({ id, canvas }: Message): Promise<Settlement> {
    const gate = canvas?.replaces;
    if (gate === undefined) return { kind: 'ack' }; // no message of ours
    const done = await this.#retryUntilAborted(id, async () => {
      await (await this.#options.canvas.runner()).gates.open(gate);
      return true;
    });
    return done ? { kind: 'ack' } : released;
  }

  #loaded(message: Message): Promise<Loaded | undefined> {
    return this.#retryUntilAborted(message.id, () => this.#load(message));
  }

  /** The message with its input among its arguments; a failure where the input is gone. */
  async #load(message: Message): Promise<Loaded> {
    const { canvas: { input, ...canvas } = {}, args } = message;
    if (input === undefined) return { message };
    try {
      return { message: { ...message, args: [await this.#valueOf(input), ...args], canvas } };
    } catch (error) {
      if (error instanceof ResultExpiredError) return { failure: toFailure(error) };
      throw error;
    }
  }

  async #valueOf(id: string): Promise<JsonValue> {
    const { results } = this.#options;
    const [record] = await results.get([id]);
    if (record === undefined || !isFinal(record)) throw new ResultExpiredError(id);
    if (record.list === undefined) return record.value ?? null;
    return (await listValues(record.list, { results, read: ({ value }) => value })) as JsonValue[];
  }

  /** A continuation that cannot be done (a message that the broker will never take) fails what depends on it. */
  async #continue({ id, task, canvas = {} }: CanvasPart, record: OutcomeRecord): Promise<void> {
    const runner = await this.#options.canvas.runner();
    const unit = { id, task, canvas, added: record.added };
    try {
      await runner.ended(unit, endingOf(record));
    } catch (error) {
      if (!isLasting(error)) throw error;
      this.#options.logger.error('a canvas cannot go on: what depends on the task fails', { task, taskId: id, error });
      await runner.ended(unit, { state: 'FAILURE', failure: toFailure(error) });
    }
  }

  /** Tries until it works; undefined when the worker ends first. */
  #retryUntilAborted<T>(taskId: string, work: () => Promise<T>): Promise<T | undefined> {
    const { clock, logger, giveUp } = this.#options;
    const onError = (error: unknown, inMs: number): void =>
      logger.warn('could not carry a canvas on, trying again', { taskId, error, inMs });
    return retry(clock, { ...pause, onError }, giveUp, work);
  }

  #failed(message: Message, failure: Failure): Settlement {
    return { kind: 'ack', outcome: this.#write(message, { state: 'FAILURE', failure }) };
  }

  /** `throw new Ignore()`: a plain task has no outcome then, but what follows this one must end. */
  #ignored(message: Message): OutcomeWrite {
    return this.#write(message, { state: 'REVOKED', reason: 'ignored' });
  }

  #write(message: Message, ending: Ending): OutcomeWrite {
    const { clock, worker, resultExpires } = this.#options;
    const ttl = canvasTtl(resultExpires);
    return toOutcome(message, ending, { now: clock.now(), attempts: message.retries, worker, ttl });
  }
}

/** A member of a group as its store records it. */
type Member = Pick<JoinMember, 'groupId' | 'index' | 'size' | 'ttl'>;

/** What is recorded of most members of groups, in one step with the outcome; undefined where there is more to do. */
function memberOf({ canvas = {} }: Message, { record }: OutcomeWrite): Member | undefined {
  const { join, links, errors, next, replaces, wakes } = canvas;
  if (join === undefined || join.added || links || errors || next || replaces || wakes) return undefined;
  if (record.state !== 'SUCCESS' || record.added) return undefined;
  const { group, index, size } = join;
  return size === undefined ? { groupId: group, index, ttl: planTtl } : { groupId: group, index, size, ttl: planTtl };
}

type Loaded = { readonly message: Message } | { readonly failure: Failure };

/** The same delivery of a message that was made ready. */
export function carrying(delivery: Delivery, message: Message): Delivery {
  const { queue, deliveryCount, returned = false, putBack = false, recordStart, undoStart } = delivery;
  return {
    message,
    queue,
    deliveryCount,
    returned,
    putBack,
    onLeaseLost: (listener) => delivery.onLeaseLost(listener),
    ...(recordStart ? { recordStart: () => recordStart.call(delivery) } : {}),
    ...(undoStart ? { undoStart: () => undoStart.call(delivery) } : {}),
    onSettled: (listener) => delivery.onSettled(listener),
  };
}

/** A retry goes back as it came, its input by reference, unless the handler asked for other arguments. */
function unloaded(retry: Message, loaded: Loaded, original: Message): Message {
  if ('failure' in loaded || retry.args !== loaded.message.args) return retry;
  return { ...retry, args: original.args, ...(original.canvas ? { canvas: original.canvas } : {}) };
}

function endingOf({ state, value, list, failure, reason }: OutcomeRecord): Ending {
  if (state === 'SUCCESS')
    return { state: 'SUCCESS', ...(value === undefined ? {} : { value }), ...(list ? { list } : {}) };
  if (state === 'REVOKED') return { state: 'REVOKED', reason: reason ?? 'revoked', ...(failure ? { failure } : {}) };
  return { state: 'FAILURE', failure: failure ?? { name: 'Error', message: 'the task failed' } };
}

const lasting: ReadonlySet<string> = new Set<ErrorCode>([
  'PAYLOAD_TOO_LARGE',
  'PAYLOAD_NOT_SERIALIZABLE',
  'CONFIGURATION',
  'TASK_VALIDATION',
  'NOT_SUPPORTED',
]);

/** Trouble that would come again for ever; anything else is trouble with the stores, which passes. */
function isLasting(error: unknown): boolean {
  if (error instanceof PublishError) return [...error.failures.values()].some(isLasting);
  return error instanceof TypeError || (error instanceof LovageError && lasting.has(error.code));
}
