import { ConfigurationError } from '../errors.ts';
import { ownIdOf } from '../message/child-id.ts';
import type { Message } from '../message/message.ts';
import type { GateRule, MessageTemplate, PlanTimes } from '../message/plan.ts';
import type { MaybePromise } from '../options/schema.ts';
import { type CallOptions, readTaskId } from '../producer/call-options.ts';
import type { PreparedCall } from '../producer/prepared-call.ts';
import type { Producer } from '../producer/publish.ts';
import { assertUnread } from './group.ts';
import { type AnySignature, assertSignature, type Members, type SignatureShape } from './signature.ts';

/** A canvas made ready to be sent: arguments encoded, options and routes read. JSON, except for members from a stream. */
export type Resolved = ResolvedTask | ResolvedSequence | ResolvedGroup;

interface ResolvedParts {
  /** The id that its caller gave it. */
  readonly ownId?: string;
  readonly links: readonly Resolved[];
  readonly errors: readonly Resolved[];
}

const noCallbacks: ResolvedParts = { links: [], errors: [] };

export interface ResolvedTask extends ResolvedParts {
  readonly kind: 'task';
  readonly message: Omit<MessageTemplate, 'id' | 'parentId' | 'rootId'>;
  readonly times: PlanTimes;
  readonly takesInput: boolean;
  readonly each: boolean;
  readonly gate?: GateRule;
  /** A gate whose queue nobody named: it goes where its neighbours go. */
  readonly unplaced?: boolean;
}

export interface ResolvedSequence extends ResolvedParts {
  readonly kind: 'sequence';
  readonly steps: readonly Resolved[];
}

export interface ResolvedGroup extends ResolvedParts {
  readonly kind: 'group';
  /** From a stream they come in short lists: each step of an async generator costs more than a member does. */
  readonly members: readonly Resolved[] | AsyncIterable<readonly Resolved[]>;
}

/** Where a signature stands while it is resolved. */
interface Position {
  /** The arguments given to the whole, for its first step; undefined for what starts later. */
  readonly given: readonly unknown[] | undefined;
  /** Options of what is around it; the nearer ones win. */
  readonly inherited: CallOptions;
  /** When the whole starts; for what starts at once only. */
  readonly start: Start;
  /** Ids that were given to parts of it. */
  readonly ids: Set<string>;
}

type Start = Pick<CallOptions, 'countdown' | 'eta'>;

type TaskShape = Extract<SignatureShape, { kind: 'task' }>;

/** Members of a stream that are made ready in a row. */
const listLength = 100;

/** Makes canvases ready to be sent. */
export class Resolver {
  readonly #producer: Producer;

  constructor(producer: Producer) {
    this.#producer = producer;
  }

  /**
   * Checks and encodes the whole canvas: whatever is wrong with it is thrown here, before anything is sent (for members of a
   * stream: when their turn comes).
   */
  async resolve(canvas: AnySignature, given: readonly unknown[], options: CallOptions): Promise<Resolved> {
    const { countdown, eta, ...inherited } = options;
    return this.#resolve(canvas, { given, inherited, start: { ...definedOf({ countdown, eta }) }, ids: new Set() });
  }

  /** A canvas that is started with a value: by a link, an error callback, or an earlier step. */
  async resolveLater(canvas: AnySignature, inherited: CallOptions): Promise<Resolved> {
    return this.#resolve(canvas, { given: undefined, inherited, start: {}, ids: new Set() });
  }

  #resolve(canvas: AnySignature, position: Position): MaybePromise<Resolved> {
    assertSignature(canvas, 'canvas');
    const { shape } = canvas;
    return shape.kind === 'task' ? this.#task(canvas, shape, position) : this.#resolveMany(canvas, shape, position);
  }

  async #resolveMany(
    canvas: AnySignature,
    shape: Exclude<SignatureShape, TaskShape>,
    position: Position,
  ): Promise<Resolved> {
    const { countdown, eta, taskId, ...own } = canvas.options;
    const inherited = merge(position.inherited, own);
    const start = countdown === undefined && eta === undefined ? position.start : definedOf({ countdown, eta });
    const parts = { ...(await this.#callbacks(canvas, inherited)), ...ownIdFrom(taskId, position) };
    if (shape.kind === 'group') {
      return {
        kind: 'group',
        members: await this.#members(shape.members, { ...position, inherited, start }),
        ...parts,
      };
    }
    if (shape.steps.length === 0) throw new ConfigurationError('an empty chain cannot be run: it has no value');
    const steps: Resolved[] = [];
    for (const [index, step] of shape.steps.entries()) {
      steps.push(
        await this.#resolve(step, {
          given: index === 0 ? position.given : undefined,
          inherited,
          start: index === 0 ? start : {},
          ids: position.ids,
        }),
      );
    }
    assertOneId(parts.ownId, steps.at(-1));
    return { kind: 'sequence', steps: placeGates(steps), ...parts };
  }

  async #members(members: Members, position: Position): Promise<ResolvedGroup['members']> {
    if (!Array.isArray(members)) {
      const stream = this.#stream(members, position);
      return position.given === undefined ? collect(stream) : stream;
    }
    return collect(this.#stream(members, position));
  }

  async *#stream(members: Members, position: Position): AsyncGenerator<readonly Resolved[], void, undefined> {
    if (!Array.isArray(members)) assertUnread(members as Exclude<Members, readonly AnySignature[]>);
    if (Symbol.asyncIterator in members) {
      for await (const member of members) yield* this.#flat(member, position);
      return;
    }
    let list: Resolved[] = [];
    for (const member of members as Iterable<AnySignature>) {
      assertSignature(member, 'group');
      if (isSpread(member)) {
        if (list.length > 0) yield list;
        list = [];
        yield* this.#flat(member, position);
        continue;
      }
      const resolved = this.#resolve(member, position);
      list.push(resolved instanceof Promise ? await resolved : resolved);
      if (list.length < listLength) continue;
      yield list;
      list = [];
    }
    if (list.length > 0) yield list;
  }

  /** A group directly inside a group is only its members, unless it has links of its own. */
  async *#flat(member: AnySignature, position: Position): AsyncGenerator<readonly Resolved[], void, undefined> {
    assertSignature(member, 'group');
    const { shape } = member;
    if (shape.kind !== 'group' || !isSpread(member)) {
      yield [await this.#resolve(member, position)];
      return;
    }
    const { countdown, eta, taskId: _, ...own } = member.options;
    const start = countdown === undefined && eta === undefined ? position.start : definedOf({ countdown, eta });
    yield* this.#stream(shape.members, { ...position, inherited: merge(position.inherited, own), start });
  }

  #task(canvas: AnySignature, shape: TaskShape, position: Position): MaybePromise<ResolvedTask> {
    const { given, inherited, start } = position;
    const definition = shape.definition ?? canvas.sender?.definitionOf(shape.task);
    if (definition === undefined) throw new ConfigurationError(`task "${shape.task}" belongs to no app`);
    const { taskId, idempotencyKey = inherited.idempotencyKey, ...own } = canvas.options;
    if (idempotencyKey !== undefined) throw keyedStep(idempotencyKey);
    const named = ownIdFrom(taskId, position);
    const takesInput = !shape.immutable && !shape.each;
    const open = takesInput && given === undefined ? 1 : 0;
    const args = takesInput && given !== undefined && given.length > 0 ? [...given, ...shape.args] : shape.args;
    const options = { ...merge(inherited, own), ...(hasStart(own) ? {} : start) };
    const prepared = this.#producer.prepare(definition, args, { options, open, each: shape.each });
    const callbacks = this.#callbacks(canvas, inherited);
    const unplaced = options.queue === undefined;
    if (!(prepared instanceof Promise || callbacks instanceof Promise))
      return taskOf(shape, { prepared, callbacks, unplaced, named });
    return Promise.all([prepared, callbacks]).then((both) =>
      taskOf(shape, { prepared: both[0], callbacks: both[1], unplaced, named }),
    );
  }

  #callbacks(canvas: AnySignature, inherited: CallOptions): ResolvedParts | Promise<ResolvedParts> {
    return canvas.links.length + canvas.errorLinks.length === 0
      ? noCallbacks
      : this.#resolveCallbacks(canvas, inherited);
  }

  async #resolveCallbacks(
    { links, errorLinks, options }: AnySignature,
    inherited: CallOptions,
  ): Promise<ResolvedParts> {
    const stamps = { ...inherited.stamps, ...options.stamps };
    const carried = Object.keys(stamps).length > 0 ? { stamps } : {}; // callbacks keep their own queues and limits
    const all = (list: readonly AnySignature[]) => Promise.all(list.map((one) => this.resolveLater(one, carried)));
    return { links: await all(links), errors: await all(errorLinks) };
  }
}

function keyedStep(value: string): ConfigurationError {
  return new ConfigurationError(
    `idempotencyKey "${value}" of a step: a key names one call of one task; give the step a taskId, or the whole`,
  );
}

const unnamed: { readonly ownId?: string } = {};

function ownIdFrom(taskId: string | undefined, { ids }: Position): { readonly ownId?: string } {
  if (taskId === undefined) return unnamed;
  const ownId = readTaskId(taskId, 'taskId of a step');
  if (ids.has(ownId)) throw new ConfigurationError(`taskId "${ownId}" is given to two parts of one canvas`);
  ids.add(ownId);
  return { ownId };
}

function assertOneId(ownId: string | undefined, last: Resolved | undefined): void {
  const inner = ownIdOf(last);
  if (ownId === undefined || inner === undefined) return;
  throw new ConfigurationError(
    `taskId "${ownId}" of a chain, and "${inner}" of its last step: a chain has the id of its last step, so give one of them`,
  );
}

/** A group whose members are the members of what is around it. */
function isSpread({ shape, links, errorLinks }: AnySignature): boolean {
  return shape.kind === 'group' && links.length === 0 && errorLinks.length === 0;
}

interface TaskParts {
  readonly prepared: PreparedCall;
  readonly callbacks: ResolvedParts;
  readonly unplaced: boolean;
  readonly named: { readonly ownId?: string };
}

function taskOf(shape: TaskShape, { prepared, callbacks, unplaced, named }: TaskParts): ResolvedTask {
  const { message, times } = prepared;
  const { links, errors } = callbacks;
  const takesInput = !shape.immutable && !shape.each;
  const task = {
    kind: 'task',
    message: templateOf(message),
    times,
    takesInput,
    each: shape.each,
    links,
    errors,
    ...named,
  } as const;
  return shape.gate ? { ...task, gate: shape.gate, unplaced } : task;
}

/** A gate has no worker of its own: its messages go to a queue that the canvas uses anyway, that of the step before or after. */
function placeGates(steps: readonly Resolved[]): readonly Resolved[] {
  return steps.map((step, index) => {
    const near = queueNear(steps.slice(0, index).reverse()) ?? queueNear(steps.slice(index + 1));
    return near === undefined ? step : placed(step, near);
  });
}

function queueNear(steps: readonly Resolved[]): string | undefined {
  for (const step of steps) {
    if (step.kind === 'task' && !step.unplaced) return step.message.queue;
    const inner =
      step.kind === 'group'
        ? Array.isArray(step.members)
          ? step.members
          : []
        : step.kind === 'sequence'
          ? step.steps
          : [];
    const found = queueNear(inner);
    if (found !== undefined) return found;
  }
  return undefined;
}

function placed(node: Resolved, queue: string): Resolved {
  if (node.kind === 'task') {
    if (!node.unplaced) return node;
    return { ...node, unplaced: false, message: { ...node.message, queue } };
  }
  if (node.kind === 'sequence') return { ...node, steps: node.steps.map((step) => placed(step, queue)) };
  if (!Array.isArray(node.members)) return node;
  return { ...node, members: node.members.map((member: Resolved) => placed(member, queue)) };
}

function templateOf(message: Message): ResolvedTask['message'] {
  const { id: _id, sentAt: _sentAt, expires: _expires, parentId: _parent, rootId: _root, ...template } = message;
  return template;
}

function hasStart({ countdown, eta }: CallOptions): boolean {
  return countdown !== undefined || eta !== undefined;
}

const none: CallOptions = {};

function isEmpty(options: CallOptions): boolean {
  for (const _ in options) return false;
  return true;
}

/** The nearer options win; stamps, headers and tags add up. */
function merge(outer: CallOptions, inner: CallOptions): CallOptions {
  if (isEmpty(outer) && isEmpty(inner)) return none;
  const stamps = { ...outer.stamps, ...inner.stamps };
  const headers = { ...outer.headers, ...inner.headers };
  const tags = outer.tags && inner.tags && [...new Set([...outer.tags, ...inner.tags])];
  return {
    ...outer,
    ...inner,
    ...(Object.keys(stamps).length > 0 ? { stamps } : {}),
    ...(Object.keys(headers).length > 0 ? { headers } : {}),
    ...(tags ? { tags } : {}),
  };
}

function definedOf({
  countdown,
  eta,
}: {
  countdown: Start['countdown'] | undefined;
  eta: Start['eta'] | undefined;
}): Start {
  return { ...(countdown === undefined ? {} : { countdown }), ...(eta === undefined ? {} : { eta }) };
}

async function collect<T>(stream: AsyncIterable<readonly T[]>): Promise<T[]> {
  const items: T[] = [];
  for await (const list of stream) for (const item of list) items.push(item);
  return items;
}
