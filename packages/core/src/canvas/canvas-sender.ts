import { type BrokerClock, withDeadline } from '../clock.ts';
import type { CanvasNode, NativeCanvas } from '../driver/native-canvas.ts';
import type { ResultBackend } from '../driver/result-backend.ts';
import type { SharedRegistry } from '../driver/shared-registry.ts';
import { ConfigurationError, NoResultBackendError, ResultBackendUnavailableError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { CanvasRef } from '../message/canvas-ref.ts';
import { childId, ownIdOf, replacedId } from '../message/child-id.ts';
import type { Message } from '../message/message.ts';
import type { JoinPlan } from '../message/plan.ts';
import { newTaskId } from '../message/task-id.ts';
import { type CallOptions, readTaskId } from '../producer/call-options.ts';
import type { Producer } from '../producer/publish.ts';
import { AsyncResult, type ResultContext, type ResultOrigin } from '../results/async-result.ts';
import { GroupResult } from '../results/group-result.ts';
import { defineTask, type TaskDefinition, type TaskRegistry } from '../task/task.ts';
import { sendingTask } from '../task/task-context.ts';
import { keyedId } from '../unique/idempotency.ts';
import { parseCanvas } from './canvas-from-json.ts';
import { CanvasRunner, type RunnerTools } from './canvas-runner.ts';
import { addedPlace, idOfStep, leadOf, type NodePosition, ownIdsOf } from './freeze.ts';
import { planTtl } from './plan-sink.ts';
import { type Resolved, Resolver } from './resolve.ts';
import { type AnySignature, assertSignature, callbacksOf, type SignatureSender } from './signature.ts';
import type { CanvasData } from './signature-data.ts';
import { UnitRevoker } from './unit-revoker.ts';

/** What sending canvases needs of the app. */
export interface CanvasContext {
  readonly clock: BrokerClock;
  readonly logger: Logger;
  readonly producer: Producer;
  readonly registry: TaskRegistry;
  readonly results: ResultContext;
  readonly resultExpires: number;
  readonly publishTimeout: number;
  /** Absent in what comes back: the broker has no canvases of its own. */
  readonly native: () => Promise<NativeCanvas | undefined>;
  /** Where waiting gates are listed, once the stores are open. */
  readonly sharedRegistry: () => SharedRegistry | undefined;
  /** Tells the workflow run that waits for a unit how that ended. */
  readonly wake: RunnerTools['wake'];
}

/** Sends canvases: from callers, and from inside tasks (`self.replace`, `self.addToChord`). */
export class CanvasSender {
  readonly #context: CanvasContext;
  readonly #resolver: Resolver;
  #sender: SignatureSender | undefined;
  #made: { readonly of: ResultBackend; readonly runner: CanvasRunner } | undefined;

  constructor(context: CanvasContext) {
    this.#context = context;
    this.#resolver = new Resolver(context.producer);
  }

  /** Gives canvases from JSON the app that sends them. */
  use(sender: SignatureSender): void {
    this.#sender = sender;
  }

  /** What sends canvases of this app. */
  get sender(): SignatureSender {
    if (this.#sender === undefined) throw new TypeError('no app to send it'); // Lovage's constructor gives one
    return this.#sender;
  }

  /** What the app knows of a task; a definition with defaults for a task of others. */
  definitionOf(task: string): TaskDefinition {
    return this.#context.registry.get(task) ?? defineTask(task);
  }

  /** Sends a canvas; resolves when all that starts now is accepted. Throws as sending a task does, before anything is sent. */
  send(canvas: AnySignature, args: readonly unknown[], options: CallOptions): Promise<AsyncResult> {
    return this.#context.producer.calls.during(this.#send(canvas, args, options));
  }

  async #send(canvas: AnySignature, args: readonly unknown[], options: CallOptions): Promise<AsyncResult> {
    const { results, clock } = this.#context;
    const { taskId = canvas.options.taskId, idempotencyKey = canvas.options.idempotencyKey, ...others } = options;
    const { link, linkError, ...rest } = others;
    if (!results.enabled) throw new NoResultBackendError(taskId ?? newTaskId());
    const node = await this.#resolver.resolve(withCallbacks(untitled(canvas), link, linkError), args, rest);
    const given = this.#givenId(taskId, node) ?? this.#keyedId(canvas, node, idempotencyKey);
    const id = given ?? newTaskId(clock.now());
    await clock.measure(); // steps may begin after a while
    const caller = sendingTask();
    const place: NodePosition = { ...bare(id, caller?.rootId ?? id, caller?.id), starts: true };
    const replyTo = results.inbox.address;
    const native = await this.#context.native();
    if (native) {
      const { rootId, parentId } = place;
      await native.send(await collected(node), { id, rootId, parentId, replyTo });
      return this.#resultOf(node, { id, callerId: caller?.id, hasDeadline: rest.deadline !== undefined });
    }
    const runner = await this.runner();
    await runner.send(node, place, {
      replyTo,
      mayRepeat: given !== undefined,
      keepsWhatIsThere: given !== undefined,
    });
    return this.#resultOf(node, { id, callerId: caller?.id, hasDeadline: rest.deadline !== undefined });
  }

  /** Publishes one more member of the chord that the message is a member of. */
  async addToChord(message: Message, canvas: unknown, nth: number): Promise<void> {
    assertSignature(canvas, 'self.addToChord');
    const native = await this.#context.native();
    if (native) return native.addToChord(message, await collected(await this.#resolve(canvas, message)));
    const join = message.canvas?.join;
    if (join === undefined) {
      throw new ConfigurationError(`self.addToChord: task ${message.id} is not the end of a chord's header member`);
    }
    const node = await this.#resolve(canvas, message);
    const place = addedPlace({ id: message.id, rootId: message.rootId ?? message.id, join }, nth);
    const options = { replyTo: message.replyTo, mayRepeat: true, keepsWhatIsThere: true };
    await (await this.runner()).send(node, place, options);
  }

  /** Sends a canvas whose end wakes the workflow run that its place names; under its id it runs once however often it is sent. */
  async sendFor(canvas: AnySignature, { id, parentId, rootId, wakes }: WakingPlace): Promise<void> {
    const node = await this.#resolver.resolve(untitled(canvas), [], {});
    await this.#context.clock.measure();
    const place: NodePosition = { ...bare(id, rootId, parentId), after: { wakes }, starts: true };
    await (await this.runner()).send(node, place, { mayRepeat: true, keepsWhatIsThere: true });
  }

  /** Puts a canvas, as JSON, in the place of a running task. */
  async replace(message: Message, data: object, added: number | undefined): Promise<void> {
    const { id, task, rootId = id, parentId, canvas = {}, replyTo } = message;
    const { clock, resultExpires } = this.#context;
    const node = await this.#resolve(this.#parse(data), message);
    const native = await this.#context.native();
    if (native) return native.replace(message, await collected(node));
    const runner = await this.runner();
    const place: NodePosition = { ...bare(childId(id, '~r'), rootId, id), after: { replaces: id } };
    const entry = await runner.send(node, { ...place, ...groupOf(message) }, { replyTo });
    const plan: JoinPlan = {
      kind: 'replaced',
      canvas,
      ttl: message.resultExpires ?? resultExpires,
      by: entry,
      ...(replyTo === undefined ? {} : { replyTo }),
      ...(added === undefined ? {} : { added }),
    };
    const lineage = { rootId, ...(parentId === undefined ? {} : { parentId }) };
    const record = { task, attempts: message.retries + 1, at: clock.now(), ...lineage };
    const stored = { id: replacedId(id), state: 'PENDING', plan };
    const { results } = await this.#context.results.stores();
    const [lives] = await results.put([
      { record: { ...record, id, state: 'STARTED' }, ttl: planTtl }, // so that who waits for it knows that it lives
      { record: { ...record, ...stored }, ttl: planTtl },
    ]);
    if (lives) await runner.start([entry], undefined);
    else await results.forget([stored.id]); // it has ended: this run came too late
  }

  /** Starts again what stands in a task's place, for a delivery that comes again. */
  async startReplacement(id: string): Promise<void> {
    const { results } = await this.#context.results.stores();
    const [record] = await results.get([replacedId(id)]);
    const by = record?.plan?.kind === 'replaced' ? record.plan.by : undefined;
    if (by !== undefined) await (await this.runner()).start([by], undefined);
  }

  /** Takes tasks back, with what depends on them; resolves with the ids of all that ended. */
  async revoke(ids: readonly string[]): Promise<readonly string[]> {
    return (await this.#revoker('revoked')).revoke(ids);
  }

  /** Ends messages that were found in a queue, with what depends on them; resolves with how many of them still waited there. */
  async endMessages(messages: readonly Message[], reason: string, queue?: string): Promise<number> {
    return (await this.#revoker(reason)).endMessages(messages, queue);
  }

  /** What carries canvases on. */
  async runner(): Promise<CanvasRunner> {
    const { clock, logger, producer, resultExpires, sharedRegistry, wake } = this.#context;
    const { results, monitor } = await this.#context.results.stores();
    if (this.#made?.of === results) return this.#made.runner;
    const publish = (messages: readonly Message[]) => producer.publish(messages);
    const cancel = async (ids: readonly string[], queue: string): Promise<void> => {
      await monitor?.remove?.(ids, [queue]).catch(() => {}); // who meets them finds that nothing is to be done
    };
    const tools = {
      results: this.#timely(results),
      clock,
      logger,
      publish,
      resultExpires,
      sharedRegistry,
      wake,
      cancel,
    };
    const runner = new CanvasRunner(tools);
    this.#made = { of: results, runner };
    return runner;
  }

  /** The store with the deadline of a publish on every call, so that a dead one holds up nobody. */
  #timely(results: ResultBackend): ResultBackend {
    const { clock, publishTimeout } = this.#context;
    const late = () => new ResultBackendUnavailableError(`the result store did not answer within ${publishTimeout} ms`);
    const within = <T>(work: Promise<T>): Promise<T> => withDeadline(clock, publishTimeout, work, late);
    return {
      put: (writes) => within(results.put(writes)),
      get: (ids) => within(results.get(ids)),
      join: (member) => within(results.join(member)),
      ...(results.reopen ? { reopen: (writes) => within(results.reopen?.(writes) ?? Promise.resolve([])) } : {}),
      forget: (ids) => within(results.forget(ids)),
      watch: (inbox, listener) => results.watch(inbox, listener),
      close: () => results.close(),
    };
  }

  #resolve(canvas: AnySignature, message: Message): Promise<Resolved> {
    return this.#resolver.resolve(canvas, [], stampsOf(message));
  }

  async #revoker(reason: string): Promise<UnitRevoker> {
    const { clock, resultExpires } = this.#context;
    const { results, monitor } = await this.#context.results.stores();
    return new UnitRevoker({ results, monitor, clock, resultExpires, runner: await this.runner() }, reason);
  }

  /** The id that the caller gave to the whole: a chain has that of its last step. */
  #givenId(taskId: string | undefined, node: Resolved): string | undefined {
    const own = ownIdOf(node);
    if (taskId === undefined) return own;
    const id = readTaskId(taskId, 'taskId of a canvas');
    if (own === undefined || own === id) return id;
    throw new ConfigurationError(
      `taskId "${id}" of a canvas, and "${own}" of its last step: a canvas has the id of its last step, so give one of them`,
    );
  }

  /** The id of a canvas with a key: that of its task where it is one call with callbacks, as without them. */
  #keyedId({ shape }: AnySignature, node: Resolved, key: string | undefined): string | undefined {
    if (shape.kind === 'task' && node.kind === 'task' && !shape.each && !shape.gate)
      return keyedId(shape.definition ?? this.definitionOf(shape.task), node.message.args, key);
    if (key === undefined) return undefined;
    throw new ConfigurationError(
      `idempotencyKey "${key}" of a canvas: a key names one call of one task; give taskId to applyAsync`,
    );
  }

  #parse(data: object): AnySignature {
    return parseCanvas(data as CanvasData, this.sender);
  }

  #resultOf(node: Resolved, { id, callerId, hasDeadline }: Sent): AsyncResult {
    const { results } = this.#context;
    const [parentId, ...ancestors] = [...parentsOf(node, id), ...(callerId === undefined ? [] : [callerId])];
    const last = lastOf(node);
    const origin: ResultOrigin = {
      id,
      notifiesThisProcess: true,
      hasDeadline,
      ...(parentId === undefined ? {} : { parentId, ancestors }),
      ...(last.kind === 'task' && last.message.ignoreResult ? { ignored: true } : {}),
    };
    if (last.kind === 'task') return new AsyncResult(origin, results);
    if (!Array.isArray(last.members)) return new GroupResult(origin, results);
    return new GroupResult(origin, results, last.members.length, ownIdsOf(last).own);
  }
}

/** Where a canvas stands that a workflow run waits for. */
export interface WakingPlace {
  readonly id: string;
  readonly parentId: string;
  readonly rootId: string;
  readonly wakes: NonNullable<CanvasRef['wakes']>;
}

/** What a result knows of the canvas that was sent. */
interface Sent {
  readonly id: string;
  readonly callerId: string | undefined;
  readonly hasDeadline: boolean;
}

function bare(id: string, rootId: string, parentId: string | undefined): NodePosition {
  return { id, after: {}, rootId, parentId, links: [], errors: [], starts: false, entry: undefined, level: 0 };
}

function groupOf({ groupId, groupIndex }: Message): Pick<NodePosition, 'groupId' | 'groupIndex'> {
  return { groupId, groupIndex };
}

function stampsOf({ stamps }: Message): CallOptions {
  return stamps === undefined ? {} : { stamps };
}

/** A canvas whose id or key was given as an option: they are the whole's, not options of its tasks. */
function untitled(canvas: AnySignature): AnySignature {
  const { taskId, idempotencyKey } = canvas.options;
  if (taskId === undefined && idempotencyKey === undefined) return canvas;
  return canvas.set({ taskId: undefined, idempotencyKey: undefined } as unknown as CallOptions);
}

function withCallbacks(
  canvas: AnySignature,
  link: CallOptions['link'],
  linkError: CallOptions['linkError'],
): AnySignature {
  let whole = canvas;
  for (const callback of callbacksOf(link)) whole = whole.link(callback);
  for (const callback of callbacksOf(linkError)) whole = whole.linkError(callback);
  return whole;
}

/** With the members of streams in lists, as drivers with canvases of their own take them. */
async function collected(node: Resolved): Promise<CanvasNode> {
  const all = (nodes: readonly Resolved[]): Promise<CanvasNode[]> => Promise.all(nodes.map(collected));
  const parts = { links: await all(node.links), errors: await all(node.errors) };
  if (node.kind === 'task') return { ...node, ...parts };
  if (node.kind === 'sequence') return { ...node, ...parts, steps: await all(node.steps) };
  const members: CanvasNode[] = [];
  for await (const list of Array.isArray(node.members) ? [node.members] : node.members) {
    members.push(...(await all(list as readonly Resolved[])));
  }
  return { kind: 'group', ...parts, members };
}

function lastOf(node: Resolved): Exclude<Resolved, { kind: 'sequence' }> {
  return node.kind === 'sequence' ? lastOf(node.steps.at(-1) as Resolved) : node;
}

/** The ids of the steps before the last one, the nearest first; a group stands as its first member. */
function parentsOf(node: Resolved | undefined, id: string, level = 0): readonly string[] {
  if (node?.kind === 'group') return Array.isArray(node.members) ? parentsOf(node.members[0], leadOf(node, id)) : [];
  if (node?.kind !== 'sequence') return [];
  const ids = [...parentsOf(lastStep(node), id, level + 1)];
  for (let index = node.steps.length - 2; index >= 0; index -= 1) {
    const step = node.steps[index] as Resolved;
    const own = idOfStep(node.steps, index, { id, level });
    ids.push(leadOf(step, own), ...parentsOf(step, own));
  }
  return ids;
}

/** A group at the end of a chain: its parent is the step before it, not one of its members. */
function lastStep({ steps }: Extract<Resolved, { kind: 'sequence' }>): Resolved | undefined {
  const last = steps.at(-1);
  return last?.kind === 'group' ? undefined : last;
}
