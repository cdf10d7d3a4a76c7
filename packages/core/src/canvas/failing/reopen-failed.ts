import type { ResultBackend } from '../../driver/result-backend.ts';
import { NotSupportedError } from '../../errors.ts';
import type { CanvasRef } from '../../message/canvas-ref.ts';
import { replacedId } from '../../message/child-id.ts';
import type { Message } from '../../message/message.ts';
import { isFinal, type OutcomeRecord } from '../../message/outcome.ts';
import type { JoinPlan } from '../../message/plan.ts';
import { chunkSize, memberIds } from '../../results/list-values.ts';
import { dependencyFailed } from '../continuation.ts';
import { canvasOf } from '../find-place.ts';
import { planTtl } from '../plan-sink.ts';

/** What a task that failed is known by. */
export type FailedMessage = Pick<Message, 'id' | 'task' | 'rootId' | 'parentId' | 'canvas' | 'ignoreResult'>;

/** What opening records again needs. */
export interface ReopenTools {
  readonly results: ResultBackend;
  readonly now: () => number;
}

/**
 * Opens the record of a task that ended as FAILURE, and those of what ended with it in its canvas, so that it can run again and the
 * canvas goes on from there. From the task outward, so that doing it again after a crash completes it. False: the task has ended
 * otherwise by now, and nothing was done.
 */
export async function reopenFailed(message: FailedMessage, tools: ReopenTools): Promise<boolean> {
  return new Reopening(tools).run(message);
}

class Reopening {
  readonly #tools: ReopenTools;

  constructor(tools: ReopenTools) {
    this.#tools = tools;
  }

  async run(message: FailedMessage): Promise<boolean> {
    const { id, task, rootId, parentId, ignoreResult } = message;
    const [own] = await this.#get([id]);
    if (own && isFinal(own) && own.state !== 'FAILURE') return false;
    const base = own ?? {
      id,
      task,
      attempts: 0,
      ...(rootId === undefined ? {} : { rootId }),
      ...(parentId === undefined ? {} : { parentId }),
    };
    if ((own !== undefined || !ignoreResult) && !(await this.#open({ ...base, state: 'RETRY', at: 0 }))) return false;
    await this.#beyond(own?.canvas ?? message.canvas ?? {});
    return true;
  }

  /** What follows a unit, and what that is part of. */
  async #beyond(canvas: CanvasRef): Promise<void> {
    const end = canvas.next === undefined ? canvas : await this.#line(canvas.next);
    if (end?.join) await this.#group(end.join.group);
    if (end?.replaces !== undefined) await this.#replaced(end.replaces);
  }

  /** The units of a chain from this one on; where the last one stands, undefined when one of them is not to be opened. */
  async #line(first: string): Promise<CanvasRef | undefined> {
    for (let next = first; ; ) {
      const [record] = await this.#get([next]);
      if (!(await this.#unit(record))) return undefined;
      const canvas = canvasOf(record) ?? {};
      if (canvas.next === undefined) return canvas;
      next = canvas.next;
    }
  }

  /** A unit that was laid down and ended with what it depended on. False: it is none, or ended by itself. */
  async #unit(record: OutcomeRecord | undefined): Promise<boolean> {
    const plan = record?.plan;
    if (record === undefined || (plan?.kind !== 'task' && plan?.kind !== 'group')) return false;
    if (!isFinal(record)) return true;
    if (record.failure?.name !== dependencyFailed) return false;
    if (plan.kind === 'group') await this.#members(record.id, plan);
    return this.#open({ ...record, state: 'PENDING' });
  }

  /** Members of a group whose turn had not come. */
  async #members(group: string, plan: JoinPlan): Promise<void> {
    for await (const members of this.#pages(group, plan)) {
      for (const member of members) {
        const own = member?.plan;
        const entry = own !== undefined && own.kind !== 'callback' ? own.entry : undefined;
        if (entry === undefined) await this.#unit(member);
        else await this.#line(entry);
      }
    }
  }

  /** The group of a member that runs again. While another member stands as failed, the group has failed: the last one opens it. */
  async #group(id: string): Promise<void> {
    const [record] = await this.#get([id]);
    const plan = record?.plan;
    if (record === undefined || plan?.kind !== 'group') return;
    if (isFinal(record)) {
      if (record.state !== 'FAILURE') return;
      for await (const members of this.#pages(id, plan)) {
        if (members.some((member) => member && isFinal(member) && member.state !== 'SUCCESS')) return;
      }
      if (!(await this.#open({ ...record, state: 'PENDING' }))) return;
    }
    await this.#beyond(plan.canvas);
  }

  /** A task that put the canvas in its place. */
  async #replaced(id: string): Promise<void> {
    const [record] = await this.#get([id]);
    const plan = record?.plan;
    if (record === undefined || plan?.kind !== 'replaced') return;
    if (isFinal(record)) {
      const { failure: _failure, plan: _plan, ...rest } = record;
      const at = this.#tools.now();
      await this.#tools.results.put([
        { record: { ...rest, id: replacedId(id), state: 'PENDING', plan, at }, ttl: planTtl },
      ]);
      if (!(await this.#open({ ...record, state: 'STARTED' }))) return;
    }
    await this.#beyond(plan.canvas);
  }

  async *#pages(
    group: string,
    { size = 0, own }: JoinPlan,
  ): AsyncGenerator<readonly (OutcomeRecord | undefined)[], void, undefined> {
    for (let start = 0; start < size; start += chunkSize)
      yield await this.#get(memberIds(group, start, Math.min(start + chunkSize, size), own));
  }

  async #open({ failure: _failure, step: _step, ...record }: OutcomeRecord): Promise<boolean> {
    const { results, now } = this.#tools;
    if (results.reopen === undefined)
      throw new NotSupportedError('this result backend cannot run failed tasks again under their ids');
    const [open = false] = await results.reopen([{ record: { ...record, at: now() }, ttl: planTtl }]);
    return open;
  }

  #get(ids: readonly string[]): Promise<readonly (OutcomeRecord | undefined)[]> {
    return this.#tools.results.get(ids);
  }
}
