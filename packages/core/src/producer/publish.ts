import type { Broker } from '../driver/broker.ts';
import { ConfigurationError, type LovageError } from '../errors.ts';
import { flowControlOf } from '../flow/flow-control-of.ts';
import type { JsonValue } from '../message/json.ts';
import type { Message } from '../message/message.ts';
import { encodeArgs, encodeKwargs, encodeTail } from '../message/payload-codec.ts';
import type { MaybePromise } from '../options/schema.ts';
import type { UniqueRule } from '../options/unique-rule.ts';
import { AsyncResult, type ResultOrigin } from '../results/async-result.ts';
import { keepRevoked, mayOutlastRevocation } from '../results/keep-revoked.ts';
import type { TaskDefinition } from '../task/task.ts';
import { UniqueSender, type UniqueSent } from '../unique/unique.ts';
import { type BuildContext, buildMessage } from './build-message.ts';
import { type CallOptions, type ResolvedCallOptions, resolveCallOptions } from './call-options.ts';
import { assertForMany, severalInOne, uniqueInCanvas } from './call-validation.ts';
import { collectMessages, type NamedCall } from './named-call.ts';
import { type PreparedCall, type PrepareOptions, timesOf } from './prepared-call.ts';
import type { ProducerContext } from './producer-context.ts';
import { publishInChunks } from './publish-chunks.ts';
import { CallsUnderWay, PublishDeadlines } from './publish-deadline.ts';
import { explainPublishError } from './publish-error.ts';

interface OneOfMany {
  readonly given: CallOptions | undefined;
  readonly shared: ResolvedCallOptions;
  readonly sharedBuild: BuildContext;
  /** @default one that is made up */
  readonly id?: string;
}

interface LateCall {
  readonly definition: TaskDefinition;
  readonly call: ResolvedCallOptions;
  readonly build: MaybePromise<BuildContext>;
  readonly onPrepared: ((result: AsyncResult) => void) | undefined;
}

/** Unique calls of one round trip. */
const chunkSize = 500;
const none: readonly Message[] = [];
/** The id of what gets one when it is sent, from its place in a canvas: no key of its task counts there. */
const unnamed = '';

/** Turns calls into messages and hands them to the broker. */
export class Producer {
  /** Those that a closing app waits for. */
  readonly calls: CallsUnderWay = new CallsUnderWay();
  readonly #context: ProducerContext;
  readonly #deadlines: PublishDeadlines;
  readonly #build: BuildContext;
  readonly #unique: UniqueSender;

  constructor(context: ProducerContext) {
    this.#context = context;
    this.#deadlines = new PublishDeadlines(context.clock, context.publishTimeout);
    const { clock, router, defaultQueue, broadcastQueues, results } = context;
    const replyTo = results.enabled ? results.inbox.address : undefined;
    this.#build = { clock, router, defaultQueue, broadcastQueues, replyTo };
    this.#unique = new UniqueSender({
      stores: context.uniqueStores,
      publish: (messages) => this.publish(messages),
      now: () => clock.now(),
      clockOffset: context.clockOffset,
      publishTimeout: context.publishTimeout,
      resultExpires: context.resultExpires,
    });
  }

  /**
   * Sends one call; resolves when the broker has durably accepted it. Throws {@link TaskValidationError},
   * {@link PayloadNotSerializableError}, {@link PayloadTooLargeError}, {@link BrokerMemoryError} (nothing was sent),
   * {@link BrokerUnavailableError} (may have been accepted; carries the task id), {@link TaskNotUniqueError}. `onPrepared`
   * is shown the result before anything is sent.
   */
  send(
    definition: TaskDefinition,
    args: readonly unknown[],
    given?: CallOptions,
    onPrepared?: (result: AsyncResult) => void,
  ): Promise<AsyncResult> {
    try {
      const call = this.#readCall(definition, args, given);
      const encoded = encodeArgs(definition.payload, args, this.#context.maxPayload);
      const build = this.#timed(call, definition);
      const unique = call.unique ?? definition.options.unique;
      if (unique || build instanceof Promise || encoded instanceof Promise) {
        return this.calls.during(this.#sendLater({ definition, call, build, onPrepared }, encoded));
      }
      return this.#send(inTurn(definition, buildMessage(definition, encoded, call, build)), definition, onPrepared);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** As {@link Producer.send}, where something has to be waited for before the message can be built. */
  async #sendLater(
    { definition, call, build, onPrepared }: LateCall,
    args: MaybePromise<readonly JsonValue[]>,
  ): Promise<AsyncResult> {
    const message = inTurn(definition, buildMessage(definition, await args, call, await build));
    const rule = call.unique ?? definition.options.unique;
    if (!rule) return this.#send(message, definition, onPrepared);
    const prepared = onPrepared && ((sent: UniqueSent) => onPrepared(this.#resultOfUnique(sent, message, definition)));
    return this.#resultOfUnique(await this.#unique.send(message, rule, prepared), message, definition);
  }

  /** Not async: thousands may be under way, and what each holds is what garbage collection costs. */
  #send(
    message: Message,
    definition: TaskDefinition,
    onPrepared: ((result: AsyncResult) => void) | undefined,
  ): Promise<AsyncResult> {
    const result = this.#resultOf(message, definition);
    onPrepared?.(result);
    return this.#hand([message], result);
  }

  /**
   * A call made ready to be sent later, by whoever: routed, its arguments encoded and its options read. `open` arguments
   * come before these when it is sent, so that these can be checked one by one only. Throws (or rejects) as {@link Producer.send};
   * no promise where nothing waits, which is nearly every member of a group.
   */
  prepare(
    definition: TaskDefinition,
    args: readonly unknown[],
    { open = 0, each = false, options }: PrepareOptions,
  ): MaybePromise<PreparedCall> {
    const { countdown, eta, expires, ...read } = this.#readCall(definition, args, options);
    const call: ResolvedCallOptions = Object.assign(read, { taskId: read.taskId ?? unnamed });
    if (call.unique ?? definition.options.unique) throw uniqueInCanvas(definition);
    if (each && definition.options.acquired) throw severalInOne(definition);
    const finish = (encoded: readonly JsonValue[], build: BuildContext): PreparedCall => {
      const built = buildMessage(definition, encoded, call, build);
      const message = open > 0 ? built : inTurn(definition, built); // arguments that are not whole say nothing: the worker decides
      return { message, times: timesOf({ countdown, eta, expires }, definition) };
    };
    const encoded = this.#encode(definition, args, { open, each });
    const build = this.#timed(call, definition);
    if (!(encoded instanceof Promise || build instanceof Promise)) return finish(encoded, build);
    return Promise.all([encoded, build]).then((both) => finish(...both));
  }

  /** The options of one call, after the plugins saw it. */
  #readCall(definition: TaskDefinition, args: readonly unknown[], given: CallOptions | undefined): ResolvedCallOptions {
    const { beforePublish } = this.#context;
    return this.#read(beforePublish ? beforePublish(definition.name, args, given) : given, definition);
  }

  #read(given: CallOptions | undefined, { name, payload }: TaskDefinition): ResolvedCallOptions {
    const call = resolveCallOptions(given, name, this.#context.maxPayload);
    if (call.kwargs === undefined) return call;
    const kwargs = encodeKwargs(payload, call.kwargs, this.#context.maxPayload);
    if (!(kwargs instanceof Promise)) return { ...call, kwargs };
    throw new ConfigurationError(`task "${name}": the schema of its kwargs is asynchronous: use one that is not`);
  }

  #encode(
    { payload }: TaskDefinition,
    args: readonly unknown[],
    { open, each }: Required<Pick<PrepareOptions, 'open' | 'each'>>,
  ): MaybePromise<readonly JsonValue[]> {
    const { maxPayload } = this.#context;
    if (each) {
      const encode = async (list: readonly unknown[]) => encodeArgs(payload, list, maxPayload);
      return Promise.all((args as readonly (readonly unknown[])[]).map(encode));
    }
    return open > 0 ? encodeTail(payload, args, open, maxPayload) : encodeArgs(payload, args, maxPayload);
  }

  /**
   * Sends many calls of one task, a chunk of 500 in each round trip, and keeps their order. Throws as {@link Producer.send}, and
   * {@link ConfigurationError} for options that one call alone can have.
   */
  sendMany(
    definition: TaskDefinition,
    argsList: Iterable<readonly unknown[]>,
    given?: CallOptions,
  ): Promise<readonly AsyncResult[]> {
    return this.calls.during(this.#sendMany(definition, argsList, given));
  }

  async #sendMany(
    definition: TaskDefinition,
    argsList: Iterable<readonly unknown[]>,
    given?: CallOptions,
  ): Promise<readonly AsyncResult[]> {
    assertForMany(given, definition);
    const shared = this.#read(given, definition);
    const timed = this.#timed(shared, definition);
    const sharedBuild = timed instanceof Promise ? await timed : timed;
    const messages: Message[] = [];
    for (const args of argsList) {
      const message = this.#messageOf(definition, args, { given, shared, sharedBuild });
      messages.push(message instanceof Promise ? await message : message);
    }
    const rule = shared.unique ?? definition.options.unique;
    if (rule) return this.#sendEachUnique(definition, messages, rule);
    await this.publish(messages);
    return messages.map((message) => this.#resultOf(message, definition));
  }

  /**
   * Sends calls of one task, each under an id of its own, in order. Resolves when the broker has accepted those that can be sent,
   * with the reasons of the others by their place in the list. Throws as {@link Producer.send} does for what concerns all of them.
   */
  sendEach(
    definition: TaskDefinition,
    calls: readonly NamedCall[],
    given?: CallOptions,
  ): Promise<ReadonlyMap<number, LovageError>> {
    return this.calls.during(this.#sendEach(definition, calls, given));
  }

  async #sendEach(
    definition: TaskDefinition,
    calls: readonly NamedCall[],
    given: CallOptions | undefined,
  ): Promise<ReadonlyMap<number, LovageError>> {
    const shared = this.#read(given, definition);
    if (shared.unique ?? definition.options.unique) {
      throw new ConfigurationError(`task "${definition.name}" is unique: calls that bring ids of their own cannot be`);
    }
    const timed = this.#timed(shared, definition);
    const sharedBuild = timed instanceof Promise ? await timed : timed;
    const { messages, refused } = await collectMessages(calls, ({ id, args }) =>
      this.#messageOf(definition, args, { given, shared, sharedBuild, id }),
    );
    if (messages.length > 0) await this.publish(messages);
    return refused;
  }

  /** The message of one of several calls; a promise only where something has to be waited for. */
  #messageOf(
    definition: TaskDefinition,
    args: readonly unknown[],
    { given, shared, sharedBuild, id }: OneOfMany,
  ): MaybePromise<Message> {
    const read = this.#context.beforePublish ? this.#readCall(definition, args, given) : shared;
    const build = read === shared ? sharedBuild : this.#timed(read, definition);
    const encoded = encodeArgs(definition.payload, args, this.#context.maxPayload);
    const call = id === undefined ? read : { ...read, taskId: id };
    const finish = (wire: readonly JsonValue[], context: BuildContext): Message =>
      inTurn(definition, buildMessage(definition, wire, call, context));
    if (!(encoded instanceof Promise) && !(build instanceof Promise)) return finish(encoded, build);
    return Promise.all([encoded, build]).then(([wire, context]) => finish(wire, context));
  }

  /** The queue that calls of a task go to unless they say otherwise. */
  queueOf({ name, options }: TaskDefinition): string {
    const { router, defaultQueue } = this.#context;
    return options.queue ?? router({ task: name, args: [] })?.queue ?? defaultQueue;
  }

  /** Hands finished messages to the broker in chunks bounded by count and bytes, each within the publish deadline. */
  publish(messages: readonly Message[]): Promise<void> {
    if (messages.length === 1) return this.#hand(messages, undefined);
    return publishInChunks(messages, (chunk) => this.#hand(chunk, undefined));
  }

  /** Resolves with `result` when the broker has accepted the messages. */
  #hand<T>(messages: readonly Message[], result: T): Promise<T> {
    this.calls.begin();
    const { broker, onSent } = this.#context;
    const signal = this.#deadlines.signal();
    return this.#accepted(broker(), messages, signal).then(
      () => {
        this.calls.end();
        onSent?.(messages);
        return result;
      },
      (thrown: unknown) => {
        this.calls.end();
        const error = explainPublishError(thrown, { messages, signal, ...this.#context });
        this.#context.onUnsent?.(messages, error);
        throw error;
      },
    );
  }

  #accepted(broker: MaybePromise<Broker>, messages: readonly Message[], signal: AbortSignal): Promise<void> {
    const long = messages.some(isDelayed) ? this.#outlasting(messages) : none;
    if (long.length > 0) return this.#publishLong(messages, { long, signal });
    return this.#dispatch(broker, messages, signal);
  }

  #dispatch(broker: MaybePromise<Broker>, messages: readonly Message[], signal: AbortSignal): Promise<void> {
    if (messages.some(isFlowControlled)) return this.#publishControlled(messages, signal);
    const { rateLines, results } = this.#context;
    if (results.registry.limited && rateLines.concerns(messages)) return this.#publishLimited(messages, signal);
    return broker instanceof Promise
      ? this.#publishOnceOpen(broker, messages, signal)
      : broker.publish(messages, signal);
  }

  #outlasting(messages: readonly Message[]): readonly Message[] {
    const now = this.#context.clock.now();
    return messages.filter((message) => mayOutlastRevocation(message, now));
  }

  async #publishLong(
    messages: readonly Message[],
    { long, signal }: { readonly long: readonly Message[]; readonly signal: AbortSignal },
  ): Promise<void> {
    const kept: readonly Message[] = JSON.parse(JSON.stringify(messages));
    const { results } = await this.#context.uniqueStores();
    if (results) await keepRevoked(results, long, this.#context.clock.now());
    await this.#dispatch(this.#context.broker(), kept, signal);
  }

  close(): void {
    this.#deadlines.close();
  }

  /** Times are told by the broker's clock, the only one that all share; calls without any do not ask for it. */
  #timed(call: TimedOptions, { options }: TaskDefinition): MaybePromise<BuildContext> {
    const { countdown, expires, deadline } = call;
    const expiresAfter = expires === undefined ? options.expires !== undefined : 'after' in expires;
    if (!countdown && !expiresAfter && deadline === undefined) return this.#build;
    const offset = this.#context.clockOffset();
    return offset instanceof Promise ? offset.then((ahead) => this.#at(ahead, deadline)) : this.#at(offset, deadline);
  }

  #at(ahead: number, deadline: ResolvedCallOptions['deadline']): BuildContext {
    if (deadline === undefined) return { ...this.#build, ahead: Math.round(ahead) };
    const at = 'at' in deadline ? deadline.at : this.#context.clock.now() + deadline.after;
    return { ...this.#build, ahead: Math.round(ahead), deadline: Math.round(at + ahead) };
  }

  /** A driver encodes at the call; until it is open, the caller's objects must be kept from changing. */
  async #publishOnceOpen(broker: Promise<Broker>, messages: readonly Message[], signal: AbortSignal): Promise<void> {
    const kept: readonly Message[] = JSON.parse(JSON.stringify(messages));
    await (await broker).publish(kept, signal);
  }

  /** In order of their keys' claims: of two with one key, the later one meets the earlier one. */
  async #sendEachUnique(
    definition: TaskDefinition,
    messages: readonly Message[],
    rule: UniqueRule,
  ): Promise<readonly AsyncResult[]> {
    const results: AsyncResult[] = [];
    for (let start = 0; start < messages.length; start += chunkSize) {
      const sending = messages
        .slice(start, start + chunkSize)
        .map(async (message) => this.#resultOfUnique(await this.#unique.send(message, rule), message, definition));
      results.push(...(await Promise.all(sending)));
    }
    return results;
  }

  /** The result of a unique call: its own task's, or that of the task that stands for it. */
  #resultOfUnique(sent: UniqueSent, message: Message, definition: TaskDefinition): AsyncResult {
    if ('message' in sent) return this.#resultOf(sent.message, definition);
    const { payload } = definition;
    const ignored = message.ignoreResult ? { ignored: true } : {};
    return new AsyncResult({ payload, id: sent.holder, notifiesThisProcess: false, ...ignored }, this.#context.results);
  }

  /** Enters the messages first, so that they stand in line in the order of their calls; those not let in are held. */
  async #publishControlled(messages: readonly Message[], signal: AbortSignal): Promise<void> {
    const { concurrencyLimiter } = this.#context;
    const kept: readonly Message[] = JSON.parse(JSON.stringify(messages));
    const entered = await concurrencyLimiter.acquireAll(kept);
    await (await this.#context.broker()).publish(entered, signal);
    await concurrencyLimiter.confirm(entered);
  }

  async #publishLimited(messages: readonly Message[], signal: AbortSignal): Promise<void> {
    const kept: readonly Message[] = JSON.parse(JSON.stringify(messages));
    const entered = await this.#context.rateLines.acquireAll(kept);
    await (await this.#context.broker()).publish(entered, signal);
  }

  #resultOf(message: Message, definition: TaskDefinition): AsyncResult {
    const { results } = this.#context;
    const origin: { -readonly [K in keyof ResultOrigin]: ResultOrigin[K] } = {
      id: message.id,
      notifiesThisProcess: true,
      queue: message.queue,
      subscribedBeforePublish: !message.mayRepeat && results.inbox.listening,
      payload: definition.payload,
    };
    if (message.deadline !== undefined) origin.hasDeadline = true;
    if (message.ignoreResult) origin.ignored = true;
    if (message.parentId) origin.parentId = message.parentId;
    return new AsyncResult(origin, results);
  }
}

type TimedOptions = { readonly [K in 'countdown' | 'expires' | 'deadline']?: ResolvedCallOptions[K] | undefined };

function isDelayed({ eta }: Message): boolean {
  return eta !== undefined;
}

function isFlowControlled({ turn }: Message): boolean {
  return turn !== undefined;
}

function inTurn(definition: TaskDefinition, message: Message): Message {
  const turn = definition.options.acquired ? flowControlOf(definition, message.args) : undefined;
  return turn === undefined ? message : { ...message, turn };
}
