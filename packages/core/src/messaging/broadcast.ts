import { messageOf } from '../canvas/plan-sink.ts';
import type { BrokerClock } from '../clock.ts';
import { ConfigurationError, NotSupportedError } from '../errors.ts';
import { childId } from '../message/child-id.ts';
import type { Message } from '../message/message.ts';
import { newTaskId } from '../message/task-id.ts';
import { closestName } from '../options/option-reader.ts';
import type { CallOptions } from '../producer/call-options.ts';
import type { Producer } from '../producer/publish.ts';
import { AsyncResult, type GetOptions, type ResultContext } from '../results/async-result.ts';
import type { Stores } from '../stores/stores.ts';
import type { TaskDefinition } from '../task/task.ts';
import { liveMembers, type Member } from './broadcast-members.ts';

/** Options of `app.broadcast`: those of a call that make sense for many. */
export interface BroadcastOptions
  extends Omit<CallOptions, 'queue' | 'taskId' | 'idempotencyKey' | 'unique' | 'link' | 'linkError'> {
  /** One of `conf.broadcastQueues`. */
  readonly queue: string;
}

/** A task, as far as a broadcast knows it. */
export interface BroadcastTask<Args, R> {
  readonly name: string;
  call(args: Args, options?: CallOptions & GetOptions): Promise<R>;
}

/** What one worker answered. */
export type BroadcastReply<T = unknown> = { readonly value: T } | { readonly error: Error };

/** What broadcasts need of the app. */
export interface BroadcastContext {
  readonly clock: BrokerClock;
  readonly stores: Stores;
  readonly producer: Producer;
  readonly results: ResultContext;
  /** The queues of which every worker gets every message. */
  readonly queues: ReadonlySet<string>;
  readonly definitionOf: (task: string) => TaskDefinition;
}

/** A broadcast that was sent: who got it, and what came of it. */
export class BroadcastResult<T = unknown> {
  readonly id: string;
  /** The workers that consumed the queue when it was sent, each with the result of its run. */
  readonly results: ReadonlyMap<string, AsyncResult<T>>;

  /** @internal Made by `app.broadcast`. */
  constructor(id: string, results: ReadonlyMap<string, AsyncResult<T>>) {
    this.id = id;
    this.results = results;
  }

  /** Their names. */
  get workers(): readonly string[] {
    return [...this.results.keys()];
  }

  /**
   * What each worker answered, by its name. Never rejects for what one of them did: an error stands in its place, also
   * {@link ResultTimeoutError} for one that did not answer in time, {@link TaskRevokedError} for one that ended before.
   */
  async replies(options: GetOptions = {}): Promise<Readonly<Record<string, BroadcastReply<T>>>> {
    const answers = [...this.results].map(async ([worker, result]) => {
      const reply: BroadcastReply<T> = await result.get(options).then(
        (value) => ({ value }),
        (error: Error) => ({ error }),
      );
      return [worker, reply] as const;
    });
    return Object.fromEntries(await Promise.all(answers));
  }
}

/** Sends calls to every worker of a queue. */
export class Broadcaster {
  readonly #context: BroadcastContext;

  constructor(context: BroadcastContext) {
    this.#context = context;
  }

  /** See `app.broadcast`. */
  async send(task: string, args: readonly unknown[], given: BroadcastOptions): Promise<BroadcastResult> {
    const { producer, definitionOf, clock } = this.#context;
    const { queue, ...options } = given;
    this.#assertBroadcast(queue);
    const definition = definitionOf(task);
    const { message, times } = await producer.prepare(definition, args, {
      options: { ...options, queue: `${queue}@`, unique: false },
    });
    const members = await this.#members(queue);
    await clock.measure(); // it may begin after a while
    const plan = { kind: 'task', message, takesInput: false, ...times } as const;
    const base = messageOf(plan, { now: clock.now(), mayRepeat: false });
    const id = newTaskId(clock.now());
    const sent = members.map((member, index) => ({
      member,
      message: addressed(base, member, childId(id, `~b${index}`)),
    }));
    if (sent.length > 0) await producer.publish(sent.map((one) => one.message));
    return new BroadcastResult(
      id,
      new Map(sent.map((one) => [one.member.worker, this.#resultOf(one.message, definition)])),
    );
  }

  #assertBroadcast(queue: string): void {
    const { queues } = this.#context;
    if (queues.has(queue)) return;
    const closest = typeof queue === 'string' ? closestName(queue, [...queues]) : undefined;
    const known = closest
      ? `did you mean "${closest}"?`
      : `declare it in conf.broadcastQueues (now: ${[...queues].join(', ') || 'none'})`;
    throw new ConfigurationError(`app.broadcast: "${queue}" is no broadcast queue: ${known}`);
  }

  async #members(queue: string): Promise<readonly Member[]> {
    const { stores } = this.#context;
    const { sharedRegistry } = await stores.open();
    if (sharedRegistry) return liveMembers(sharedRegistry, queue);
    throw new NotSupportedError(`${stores.display} keeps no directory: broadcasts need one`);
  }

  #resultOf({ id, queue, ignoreResult }: Message, { payload }: TaskDefinition): AsyncResult {
    return new AsyncResult(
      { id, queue, notifiesThisProcess: true, payload, ...(ignoreResult ? { ignored: true } : {}) },
      this.#context.results,
    );
  }
}

function addressed(message: Message, { queue }: Member, id: string): Message {
  return { ...message, id, queue };
}
