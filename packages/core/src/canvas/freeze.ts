import { ConfigurationError } from '../errors.ts';
import type { CallbackRef, CanvasRef, JoinRef } from '../message/canvas-ref.ts';
import { childId, ownIdOf } from '../message/child-id.ts';
import type { JsonValue } from '../message/json.ts';
import type { JoinPlan, MessageTemplate, Plan, TaskPlan } from '../message/plan.ts';
import type { MaybePromise } from '../options/schema.ts';
import { addedId, memberId } from '../results/list-values.ts';
import { keepFor, longerOf, maxWaitOf } from './max-wait.ts';
import type { Resolved, ResolvedGroup, ResolvedSequence, ResolvedTask } from './resolve.ts';

/** What follows a node: the next step, a join, or the end of a task that it replaced. */
export type After = Pick<CanvasRef, 'next' | 'join' | 'replaces' | 'wakes'>;

/** Where a node of a canvas stands. */
export interface NodePosition {
  /** The node's id, under which its value will be found: a chain's last step has the chain's. */
  readonly id: string;
  readonly after: After;
  readonly rootId: string;
  readonly parentId: string | undefined;
  readonly groupId?: string | undefined;
  readonly groupIndex?: number | undefined;
  /** Callbacks of what ends with this node. */
  readonly links: readonly CallbackRef[];
  /** Callbacks of what fails with this node. */
  readonly errors: readonly CallbackRef[];
  /** Whether it starts now; else it is laid down as a plan. */
  readonly starts: boolean;
  /** Where the chain begins that ends with this node. */
  readonly entry: string | undefined;
  /** How many chains around it have its id. */
  readonly level: number;
  /** How long what ends here is kept at least, in milliseconds: what needs it may begin much later. */
  readonly keep?: number | undefined;
}

/** What all nodes of one canvas share. */
export interface FreezeContext {
  readonly replyTo: string | undefined;
  readonly ttl: number;
  readonly now: number;
}

/** Takes what a canvas becomes, in an order in which a crash at any point leaves nothing half known. */
export interface FreezeSink {
  plan(id: string, task: string, plan: Plan, lineage: { rootId: string; parentId: string | undefined }): Promise<void>;
  /** A task that starts now. */
  start(plan: TaskPlan): MaybePromise<void>;
  /** A group of no members that starts now: it has ended. */
  empty(id: string): void;
  /** All members of a stream have been handed over. */
  streamed(id: string, size: number): Promise<void>;
  /** The stream of members broke off. */
  broken(id: string, error: unknown): Promise<void>;
}

/** Gives every node its id and what follows it, last steps first; resolves with the id of the unit that begins it. */
export function freeze(
  node: Resolved,
  place: NodePosition,
  context: FreezeContext,
  sink: FreezeSink,
): MaybePromise<string> {
  switch (node.kind) {
    case 'task':
      return freezeTask(node, place, sink);
    case 'sequence':
      return freezeSequence(node, place, context, sink);
    case 'group':
      return freezeGroup(node, place, context, sink);
    default:
      return node satisfies never;
  }
}

/** Where a node begins, known before it is frozen. */
function entryOf(node: Resolved, id: string, level: number): string {
  if (node.kind !== 'sequence') return id;
  const first = node.steps[0] as Resolved;
  if (node.steps.length === 1) return entryOf(first, id, level + 1);
  return entryOf(first, idOfStep(node.steps, 0, { id, level }), 0);
}

/** A chain that ends another one has its id; its steps are told apart by how many chains have that id. */
export function stepId(id: string, index: number, level: number): string {
  return childId(id, `~${'n'.repeat(level)}${index}`);
}

/** The id of a step but the last: its own, or the one that its place gives it. */
export function idOfStep(
  steps: readonly Resolved[],
  index: number,
  { id, level }: { id: string; level: number },
): string {
  return ownIdOf(steps[index]) ?? stepId(id, index, level);
}

/** No promise for a plain task: a member of a group of 100,000 is one. */
function freezeTask(node: ResolvedTask, place: NodePosition, sink: FreezeSink): MaybePromise<string> {
  if (node.links.length + node.errors.length === 0) return handOver(planOf(node, place, place), place, sink);
  return freezeWithCallbacks(node, place, sink);
}

async function freezeWithCallbacks(node: ResolvedTask, place: NodePosition, sink: FreezeSink): Promise<string> {
  const links = [...(await layCallbacks(node.links, place, 'l', sink)), ...place.links];
  const errors = [...(await layCallbacks(node.errors, place, 'e', sink)), ...place.errors];
  return handOver(planOf(node, place, { links, errors }), place, sink);
}

function handOver(plan: TaskPlan, place: NodePosition, sink: FreezeSink): MaybePromise<string> {
  const done = place.starts ? sink.start(plan) : sink.plan(place.id, plan.message.task, plan, place);
  return done instanceof Promise ? done.then(() => place.id) : place.id;
}

function planOf(
  node: ResolvedTask,
  place: NodePosition,
  { links, errors }: Pick<NodePosition, 'links' | 'errors'>,
): TaskPlan {
  const { id, rootId, parentId, groupId, groupIndex } = place;
  const canvas = refsOf(place, links, errors);
  const message: { -readonly [K in keyof MessageTemplate]: MessageTemplate[K] } = Object.assign(
    { id, rootId },
    node.message,
  ); // a spread takes 4 µs more
  message.canvas = canvas;
  if (node.each) message.canvas = { ...canvas, each: true };
  if (parentId !== undefined) message.parentId = parentId;
  if (groupId !== undefined) message.groupId = groupId;
  if (groupIndex !== undefined) message.groupIndex = groupIndex;
  if (place.keep !== undefined) message.resultExpires ??= place.keep;
  const plan: { -readonly [K in keyof TaskPlan]: TaskPlan[K] } = {
    kind: 'task',
    message,
    takesInput: node.takesInput,
    ...node.times,
  };
  if (node.gate) plan.gate = node.gate;
  if (place.entry !== undefined && place.entry !== id) plan.entry = place.entry;
  return plan;
}

async function freezeSequence(
  node: ResolvedSequence,
  place: NodePosition,
  context: FreezeContext,
  sink: FreezeSink,
): Promise<string> {
  const { id, level } = place;
  const links = [...(await layCallbacks(node.links, place, `s${level}.`, sink)), ...place.links];
  const errors = [...(await layCallbacks(node.errors, place, `c${level}.`, sink)), ...place.errors];
  const last = node.steps.length - 1;
  const begin = place.entry ?? entryOf(node, id, level);
  let after = place.after;
  let entry = '';
  for (let index = last; index >= 0; index--) {
    const step = node.steps[index] as Resolved;
    const isLast = index === last;
    const own = isLast ? id : idOfStep(node.steps, index, place);
    const following = node.steps[index + 1];
    entry = await freeze(
      step,
      {
        ...place,
        id: own,
        after,
        links: isLast ? links : [],
        errors: [...keptBy(errors, isLast), ...errorsOfBody(step, following, { id, index, last, level })],
        parentId:
          index === 0
            ? place.parentId
            : leadOf(node.steps[index - 1] as Resolved, idOfStep(node.steps, index - 1, place)),
        starts: place.starts && index === 0,
        entry: isLast ? begin : undefined,
        level: isLast ? level + 1 : 0,
        keep: following ? keepFor(maxWaitOf(following, context.now).most, context.ttl) : place.keep,
      },
      context,
      sink,
    );
    after = { next: entry };
  }
  return entry;
}

/** Earlier steps fire a chain's error callbacks too, but its last step is the one that is done with them. */
function keptBy(refs: readonly CallbackRef[], isLast: boolean): readonly CallbackRef[] {
  return isLast ? refs : refs.map((ref) => ({ ...ref, keep: true }));
}

/** A body that cannot run because its header failed fails, and so fires its own error callbacks, as in Celery. */
function errorsOfBody(
  step: Resolved,
  body: Resolved | undefined,
  { id, index, last, level }: { id: string; index: number; last: number; level: number },
): readonly CallbackRef[] {
  if (step.kind !== 'group' || body?.kind !== 'task') return [];
  const bodyId = index + 1 === last ? id : (ownIdOf(body) ?? stepId(id, index + 1, level));
  return callbackRefs(body.errors, bodyId, 'e');
}

/** The task that stands for a node as a parent: of a group its first member. */
export function leadOf(node: Resolved, id: string): string {
  if (node.kind === 'group')
    return Array.isArray(node.members) && node.members.length === 0 ? id : (ownIdOf(firstOf(node)) ?? memberId(id, 0));
  return node.kind === 'task' ? id : leadOf(node.steps.at(-1) as Resolved, id);
}

function firstOf({ members }: ResolvedGroup): Resolved | undefined {
  return Array.isArray(members) ? (members[0] as Resolved) : undefined;
}

async function freezeGroup(
  node: ResolvedGroup,
  place: NodePosition,
  context: FreezeContext,
  sink: FreezeSink,
): Promise<string> {
  const { id } = place;
  const links = [...(await layCallbacks(node.links, place, `g${place.level}.`, sink)), ...place.links];
  const memberErrors = await layCallbacks(node.errors, place, 'm', sink);
  const size = Array.isArray(node.members) ? node.members.length : undefined;
  await sink.plan(id, 'lovage.group', groupPlan(node, place, { context, links, memberErrors }), place);
  const { most } = maxWaitOf(node, context.now);
  const position = (member: Resolved, index: number): NodePosition =>
    memberPlace(place, { member, index, size, errors: memberErrors, keep: keepOf(member, most, context) });
  const freezeAll = async (members: readonly Resolved[], from: number): Promise<void> => {
    for (let index = 0; index < members.length; index += 1) {
      const member = members[index] as Resolved;
      if (size === undefined && ownIdOf(member) !== undefined) throw namedInStream(ownIdOf(member));
      const frozen = freeze(member, position(member, from + index), context, sink);
      if (frozen instanceof Promise) await frozen;
    }
  };
  if (Array.isArray(node.members)) {
    await freezeAll(node.members, 0);
    if (size === 0 && place.starts) sink.empty(id);
  } else await freezeStream(node.members as AsyncIterable<readonly Resolved[]>, { id, freezeAll, sink });
  return id;
}

function namedInStream(id: string | undefined): ConfigurationError {
  return new ConfigurationError(
    `taskId "${id}" of a member of a streamed group: their ids follow from the group's; give the group a list for ids of your own`,
  );
}

/** A member waits for the most patient one. */
function keepOf(member: Resolved, most: number, { ttl, now }: FreezeContext): number | undefined {
  return most === 0 ? undefined : keepFor(most - maxWaitOf(member, now).least, ttl);
}

interface GroupParts {
  readonly context: FreezeContext;
  readonly links: readonly CallbackRef[];
  readonly memberErrors: readonly CallbackRef[];
}

function groupPlan(node: ResolvedGroup, place: NodePosition, { context, links, memberErrors }: GroupParts): JoinPlan {
  const { ttl, replyTo } = context;
  const size = Array.isArray(node.members) ? node.members.length : undefined;
  const { next } = place.after;
  const keepsLinks = place.level === 0 && node.links.length + node.errors.length > 0 && isMember(place);
  return {
    kind: 'group',
    canvas: refsOf(place, links, place.errors),
    ttl: place.keep ?? ttl,
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(size === undefined ? {} : { size }),
    ...ownIdsOf(node),
    ...(next === undefined ? {} : { failing: next }),
    ...(place.entry === undefined || place.entry === place.id ? {} : { entry: place.entry }),
    ...(keepsLinks ? { flat: true } : {}),
    ...(memberErrors.length > 0 ? { memberErrors: memberErrors.map((ref) => ref.plan) } : {}),
  };
}

/** Ids that members do not have by their places. */
export function ownIdsOf({ members }: ResolvedGroup): Pick<JoinPlan, 'own'> {
  if (!Array.isArray(members)) return {};
  let own: Record<number, string> | undefined;
  for (const [index, member] of members.entries()) {
    const id = ownIdOf(member as Resolved);
    if (id !== undefined) own = { ...own, [index]: id };
  }
  return own === undefined ? {} : { own };
}

/** A group that is itself a member. (The last step of a chain that is one is told apart by its level.) */
function isMember({ after: { join } }: NodePosition): boolean {
  return join !== undefined && join.added === undefined;
}

interface Stream {
  readonly id: string;
  readonly freezeAll: (members: readonly Resolved[], from: number) => Promise<void>;
  readonly sink: FreezeSink;
}

async function freezeStream(lists: AsyncIterable<readonly Resolved[]>, { id, freezeAll, sink }: Stream): Promise<void> {
  let size = 0;
  try {
    for await (const members of lists) {
      await freezeAll(members, size);
      size += members.length;
    }
  } catch (error) {
    await sink.broken(id, error);
    throw error;
  }
  await sink.streamed(id, size);
}

interface MemberPosition {
  readonly member: Resolved;
  readonly index: number;
  readonly size: number | undefined;
  readonly errors: readonly CallbackRef[];
  readonly keep: number | undefined;
}

function memberPlace({ id, rootId, parentId, starts, keep }: NodePosition, position: MemberPosition): NodePosition {
  const { member, index, size, errors } = position;
  const join: JoinRef = size === undefined ? { group: id, index } : { group: id, index, size };
  const own = ownIdOf(member) ?? memberId(id, index);
  return {
    id: own,
    after: { join },
    rootId,
    parentId,
    groupId: id,
    groupIndex: index,
    links: [],
    errors: errors.map((ref, nth) => ({ plan: ref.plan, run: childId(own, `~m${nth}`), keep: true })),
    starts,
    entry: entryOf(member, own, 0),
    level: 0,
    keep: longerOf(keep, position.keep),
  };
}

/** Where a member stands that a running task adds to its chord. */
export function addedPlace(
  by: { readonly id: string; readonly rootId: string; readonly join: JoinRef },
  nth: number,
): NodePosition {
  const { group } = by.join;
  return {
    id: addedId(by.id, nth),
    after: { join: { ...by.join, added: { by: by.id, nth } } },
    rootId: by.rootId,
    parentId: by.id,
    groupId: group,
    links: [],
    errors: [],
    starts: true,
    entry: undefined,
    level: 0,
  };
}

function refsOf(place: NodePosition, links: readonly CallbackRef[], errors: readonly CallbackRef[]): CanvasRef {
  if (links.length + errors.length === 0) return place.after;
  return { ...place.after, ...(links.length > 0 ? { links } : {}), ...(errors.length > 0 ? { errors } : {}) };
}

function callbackRefs(callbacks: readonly Resolved[], id: string, mark: string): readonly CallbackRef[] {
  return callbacks.map((callback, index) => {
    const plan = childId(id, `~${mark}${index}`);
    return { plan, run: ownIdOf(callback) ?? childId(plan, '~r') };
  });
}

/** Lays callbacks down beside the node they belong to. */
async function layCallbacks(
  callbacks: readonly Resolved[],
  place: NodePosition,
  mark: string,
  sink: FreezeSink,
): Promise<readonly CallbackRef[]> {
  const refs = callbackRefs(callbacks, place.id, mark);
  for (const [index, { plan }] of refs.entries()) {
    const canvas = callbacks[index] as unknown as JsonValue; // callbacks hold no streams: they are plain data
    await sink.plan(plan, 'lovage.callback', { kind: 'callback', canvas }, place);
  }
  return refs;
}
