import type { Clock } from '../clock.ts';
import type { JoinState, ResultBackend } from '../driver/result-backend.ts';
import type { SharedRegistry } from '../driver/shared-registry.ts';
import type { Logger } from '../logger.ts';
import type { CanvasRef, JoinRef } from '../message/canvas-ref.ts';
import { childId, replacedId } from '../message/child-id.ts';
import type { Message } from '../message/message.ts';
import { isFinal, type ListRef, type OutcomeRecord } from '../message/outcome.ts';
import type { JoinPlan } from '../message/plan.ts';
import { chunkSize, memberIds } from '../results/list-values.ts';
import {
  continuation,
  type Effect,
  type Ending,
  type FailedEnding,
  type Input,
  originalEnding,
  type Unit,
} from './continuation.ts';
import { FailDependents } from './failing/fail-dependents.ts';
import { findPlace } from './find-place.ts';
import { freeze, type NodePosition } from './freeze.ts';
import { GateKeeper, isGate } from './gate-keeper.ts';
import { messageOf, PlanSink, planTtl, type SinkOptions, type SinkTools } from './plan-sink.ts';
import type { Resolved } from './resolve.ts';

/** What running canvases needs of app or worker. */
export interface RunnerTools {
  readonly results: ResultBackend;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly publish: (messages: readonly Message[]) => Promise<void>;
  /** How long outcomes are kept, in milliseconds. */
  readonly resultExpires: number;
  /** Where waiting gates are listed; undefined: the broker has none. */
  readonly sharedRegistry: () => SharedRegistry | undefined;
  /** Tells the workflow run that waits for a unit how that ended. */
  readonly wake: (effect: Extract<Effect, { do: 'wake' }>) => Promise<void>;
  /** Takes messages back that are not needed any more. */
  readonly cancel: (ids: readonly string[], queue: string) => Promise<void>;
}

/**
 * Carries out what follows the end of a unit. Every effect may be repeated: ids are derived, final records stay, joins
 * count each member once; so a crash between any two steps is mended by doing all of them again.
 */
export class CanvasRunner {
  readonly #tools: RunnerTools;
  readonly #failDependents: FailDependents;
  /** Steps that wait for somebody. */
  readonly gates: GateKeeper;

  constructor(tools: RunnerTools) {
    this.#tools = tools;
    this.#failDependents = new FailDependents({ ...tools, apply: (effects) => this.#apply(effects) });
    this.gates = new GateKeeper({ ...tools, ended: (unit, ending) => this.ended(unit, ending) });
  }

  /** What follows the end of a unit whose outcome is stored. */
  ended(unit: Unit, ending: Ending): Promise<void> {
    return this.#apply(continuation(unit, ending));
  }

  /** Everything from this unit on ends as given: for what can never run. */
  failDependents(id: string, ending: FailedEnding): Promise<void> {
    return this.#failDependents.from(id, ending);
  }

  /** What depends on a unit that was laid down and is taken back; a group ends itself. */
  async revoked({ id, task, plan }: OutcomeRecord, ending: FailedEnding): Promise<void> {
    if (plan?.kind === 'group') return this.#failGroup(id, ending);
    if (plan?.kind === 'task' && plan.gate) await this.gates.forget(id);
    if (plan?.kind === 'task') await this.ended({ id, task, canvas: plan.message.canvas ?? {} }, ending);
  }

  /** Sends a canvas, or lays it down where its place says so; resolves with the id of its first unit. */
  async send(
    node: Resolved,
    place: NodePosition,
    options: SinkOptions & { readonly replyTo?: string | undefined },
  ): Promise<string> {
    const sink = new PlanSink(this.#sinkTools(), options);
    const { resultExpires, clock } = this.#tools;
    const context = { replyTo: options.replyTo, ttl: resultExpires, now: clock.now() };
    const entry = await freeze(node, place, context, sink);
    await sink.flush();
    for (const id of sink.empties) await this.#completeGroup(id);
    if (sink.gates.length > 0) await this.start(sink.gates, options.input);
    return entry;
  }

  /** Starts units that were laid down; what has begun already is left alone. */
  async start(ids: readonly string[], input: Input | undefined, byMember = false): Promise<void> {
    let records = await this.#tools.results.get(ids);
    if (byMember) records = await this.#entriesOf(records);
    const now = this.#tools.clock.now();
    const messages: Message[] = [];
    for (const record of records) {
      const plan = record?.plan;
      if (record === undefined || plan === undefined || plan.kind === 'callback') continue;
      if (plan.kind === 'group') await this.#startGroup(record, plan, input);
      else if (plan.kind === 'task' && plan.gate) await this.gates.arm(record, input);
      else if (plan.kind === 'task' && !isFinal(record))
        messages.push(messageOf(plan, { now, input, mayRepeat: true }));
    }
    if (messages.length > 0) await this.#tools.publish(messages);
  }

  /** Lets a task end as what stands in its place ended. The plan goes last: without it all of this has been done. */
  async conclude(id: string, ending: Ending): Promise<void> {
    const [own, record] = await this.#tools.results.get([id, replacedId(id)]);
    if (isGate(own)) return this.gates.end(own, ending); // its message was purged, or given up as unknown
    const plan = record?.plan;
    if (record === undefined || plan?.kind !== 'replaced') return;
    const base: OutcomeRecord = { ...record, id };
    const unit: Unit = { id, task: record.task, canvas: plan.canvas, added: plan.added };
    const revoked = own !== undefined && isFinal(own) && own.state !== 'SUCCESS';
    if (ending.state === 'SUCCESS' && !revoked) {
      await this.#put(base, plan, ending);
      await this.ended(unit, ending);
    } else if (revoked) await this.ended(unit, { state: 'REVOKED', reason: own.reason ?? 'revoked' });
    else {
      const failed = originalEnding(ending as FailedEnding);
      await this.ended(unit, failed);
      await this.#put(base, plan, failed);
    }
    await this.#tools.results.forget([replacedId(id)]);
  }

  /** Where a unit stands of which only the id is known; undefined where nothing says so. */
  slotHolderOf(id: string): Promise<CanvasRef | undefined> {
    return findPlace(this.#tools.results, id);
  }

  /** All members of a group have ended well. */
  completed(id: string): Promise<void> {
    return this.#completeGroup(id);
  }

  async #apply(effects: readonly Effect[]): Promise<void> {
    for (const effect of effects) await this.#carryOut(effect);
  }

  #carryOut(effect: Effect): Promise<void> {
    switch (effect.do) {
      case 'fire':
        return this.#fire(effect);
      case 'start':
        return this.start([effect.id], effect.input);
      case 'join':
        return this.#joinMember(effect);
      case 'conclude':
        return this.conclude(effect.id, effect.ending);
      case 'fail-dependents':
        return this.#failDependents.from(effect.id, effect.ending);
      case 'fail-group':
        return this.#failGroup(effect.id, effect.ending);
      case 'wake':
        return this.#tools.wake(effect);
      case 'forget':
        return this.#tools.results.forget(effect.ids);
      default:
        return effect satisfies never;
    }
  }

  async #fire({ callbacks, input, parentId }: Extract<Effect, { do: 'fire' }>): Promise<void> {
    const records = await this.#tools.results.get(callbacks.map(({ plan }) => plan));
    for (const [index, record] of records.entries()) {
      if (record?.plan?.kind !== 'callback') continue; // fired to the end before
      const { run } = callbacks[index] as { run: string };
      const place: NodePosition = {
        id: run,
        after: {},
        rootId: record.rootId ?? run,
        parentId,
        links: [],
        errors: [],
        starts: true,
        entry: undefined,
        level: 0,
      };
      const canvas = record.plan.canvas as unknown as Resolved; // written by freeze
      await this.send(canvas, place, { input, mayRepeat: true, keepsWhatIsThere: true });
    }
  }

  async #startGroup(record: OutcomeRecord, plan: JoinPlan, input: Input | undefined): Promise<void> {
    if (plan.size === 0) return this.#completeGroup(record.id);
    if (isFinal(record)) return;
    const { size = 0, own } = plan;
    for (let start = 0; start < size; start += chunkSize) {
      await this.start(memberIds(record.id, start, Math.min(start + chunkSize, size), own), input, true);
    }
  }

  /** The records of the units that members begin with; a member that is one task begins with itself. */
  async #entriesOf(records: readonly (OutcomeRecord | undefined)[]): Promise<readonly (OutcomeRecord | undefined)[]> {
    const entries = records.map((record) => entryOf(record));
    const elsewhere = entries.filter((entry): entry is string => entry !== undefined);
    if (elsewhere.length === 0) return records;
    const found = await this.#tools.results.get(elsewhere);
    let next = 0;
    return records.map((record, index) => (entries[index] === undefined ? record : found[next++]));
  }

  /** A member that added others has ended when they have. */
  async #joinMember({ join, by, added }: Extract<Effect, { do: 'join' }>): Promise<void> {
    if (added > 0) {
      const own = await this.#count({ group: childId(by, '~a'), index: 0 }, added + 1);
      if (!own.complete) return;
    }
    await this.#join(join);
  }

  async #join({ group, index, size, added }: JoinRef): Promise<void> {
    if (added !== undefined) return this.#joinAdded(added);
    const state = await this.#count({ group, index }, size);
    if (state.complete) await this.#completeGroup(group);
  }

  /**
   * A member that another one added counts as a part of that one. How many there are is known when that one has ended:
   * count first and look then, so that one of the two sees that all are there.
   */
  async #joinAdded({ by, nth }: NonNullable<JoinRef['added']>): Promise<void> {
    const position = { group: childId(by, '~a'), index: nth };
    await this.#count(position);
    const [record] = await this.#tools.results.get([by]);
    if (record?.state !== 'SUCCESS') return;
    const state = await this.#count(position, (record.added ?? 0) + 1);
    const { join } = record.canvas ?? (record.plan?.kind === 'replaced' ? record.plan.canvas : {});
    if (state.complete && join) await this.#join(join);
  }

  #count({ group, index }: Pick<JoinRef, 'group' | 'index'>, size?: number): Promise<JoinState> {
    const of = size === undefined ? {} : { size };
    return this.#tools.results.join({ groupId: group, index, ...of, succeeded: true, ttl: planTtl });
  }

  /** All members of a stream are published: from now on its size is known, and the publisher joins as one more. */
  async #streamed(id: string, size: number): Promise<void> {
    const [record] = await this.#tools.results.get([id]);
    if (record?.plan?.kind !== 'group') return;
    const { results } = this.#tools;
    const plan: JoinPlan = { ...record.plan, size };
    if (!isFinal(record)) await results.put([{ record: { ...record, plan }, ttl: planTtl }]);
    const position = { groupId: id, index: size, size: size + 1, announcesSize: true };
    const { complete } = await results.join({ ...position, succeeded: true, ttl: planTtl });
    if (complete) await this.#completeGroup(id);
  }

  async #completeGroup(id: string): Promise<void> {
    const [record] = await this.#tools.results.get([id]);
    const plan = record?.plan;
    if (record === undefined || plan?.kind !== 'group') return;
    if (isFinal(record) && record.state !== 'SUCCESS') return;
    const list: ListRef = {
      group: id,
      size: plan.size ?? 0,
      ...(plan.own ? { own: plan.own } : {}),
      ...(plan.flat ? { flat: true } : {}),
    };
    const ending: Ending = { state: 'SUCCESS', list };
    await this.#put(record, plan, ending);
    await this.ended({ id, task: record.task, canvas: plan.canvas }, ending);
    if (plan.memberErrors) await this.#tools.results.forget(plan.memberErrors);
  }

  /** Last of all the group itself is recorded as failed: that says that everything else has been done. */
  async #failGroup(id: string, ending: FailedEnding): Promise<void> {
    const [record] = await this.#tools.results.get([id]);
    const plan = record?.plan;
    if (record === undefined || plan?.kind !== 'group' || isFinal(record)) return;
    await this.ended({ id, task: record.task, canvas: plan.canvas, failing: plan.failing }, ending);
    await this.#put(record, plan, ending);
  }

  /** The final record of what is no task of its own. It keeps its plan, so that what follows can be repeated. */
  async #put(record: OutcomeRecord, plan: JoinPlan, ending: Ending): Promise<void> {
    const { clock, results } = this.#tools;
    const added = plan.added ? { added: plan.added } : {};
    const final: OutcomeRecord = { ...record, ...ending, ...added, at: clock.now() };
    await results.put([{ record: final, ttl: plan.ttl, ...(plan.replyTo ? { replyTo: plan.replyTo } : {}) }]);
  }

  #sinkTools(): SinkTools {
    const { results, clock, publish } = this.#tools;
    return {
      results,
      now: () => clock.now(),
      publish,
      streamed: (id, size) => this.#streamed(id, size),
      failGroup: (id, ending) => this.#failGroup(id, ending),
    };
  }
}

function entryOf(record: OutcomeRecord | undefined): string | undefined {
  const plan = record?.plan;
  return plan === undefined || plan.kind === 'callback' ? undefined : plan.entry;
}
