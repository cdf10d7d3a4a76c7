import type { Clock } from '../../clock.ts';
import type { ResultBackend } from '../../driver/result-backend.ts';
import type { CanvasRef } from '../../message/canvas-ref.ts';
import { isFinal, type OutcomeRecord, type OutcomeWrite } from '../../message/outcome.ts';
import type { JoinPlan, TaskPlan } from '../../message/plan.ts';
import { chunkSize, memberIds } from '../../results/list-values.ts';
import { canvasTtl } from '../../results/outcome-writer.ts';
import { type Effect, type FailedEnding, failureBeyond } from '../continuation.ts';

/** What ending the rest of a canvas needs. */
export interface FailDependentsTools {
  readonly results: ResultBackend;
  readonly clock: Clock;
  readonly resultExpires: number;
  readonly apply: (effects: readonly Effect[]) => Promise<void>;
}

/** A unit that was laid down and will not run. */
type Pending = OutcomeRecord & { readonly plan: TaskPlan | JoinPlan };

/**
 * Ends what depends on something that failed: every id that was handed out reaches a final state. What comes last is
 * recorded first, so that a unit found ended says that everything after it has been ended too.
 */
export class FailDependents {
  readonly #tools: FailDependentsTools;

  constructor(tools: FailDependentsTools) {
    this.#tools = tools;
  }

  /** Ends the units from this one on, and what they are part of. */
  async from(id: string, ending: FailedEnding): Promise<void> {
    const units = await this.#line(id);
    const last = units.at(-1);
    if (last === undefined) return;
    await this.#tools.apply(failureBeyond({ id: last.id, task: last.task, canvas: canvasOf(last) }, ending));
    await this.#end(units, ending);
  }

  /** The units from this one to the end of its chain, as far as they have not ended. */
  async #line(id: string): Promise<Pending[]> {
    const units: Pending[] = [];
    for (let next: string | undefined = id; next !== undefined; ) {
      const [record] = await this.#tools.results.get([next]);
      if (!isPending(record)) break;
      units.push(record);
      next = canvasOf(record).next;
    }
    return units;
  }

  async #end(units: readonly Pending[], ending: FailedEnding): Promise<void> {
    const { results } = this.#tools;
    for (const unit of [...units].reverse()) {
      if (unit.plan.kind === 'group') await this.#endMembers(unit.id, unit.plan, ending);
      await results.put([this.#write(unit, ending)]);
    }
    await this.#forgetCallbacks(units, ending);
  }

  /** What failed may be run again, and its callbacks are needed then; unused, they go with their own time. */
  async #forgetCallbacks(units: readonly Pending[], { state }: FailedEnding): Promise<void> {
    const callbacks = state === 'REVOKED' ? units.flatMap(callbacksOf) : [];
    if (callbacks.length > 0) await this.#tools.results.forget(callbacks);
  }

  /** Members of a group that was never started, a chunk at a time. */
  async #endMembers(group: string, { size = 0, own }: JoinPlan, ending: FailedEnding): Promise<void> {
    const { results } = this.#tools;
    for (let start = 0; start < size; start += chunkSize) {
      const records = await results.get(memberIds(group, start, Math.min(start + chunkSize, size), own));
      const members = records.filter(isPending);
      const simple = members.filter(({ plan }) => plan.kind === 'task' && plan.entry === undefined);
      for (const member of members) {
        if (simple.includes(member)) continue;
        await this.#end(await this.#line(member.plan.entry ?? member.id), ending);
      }
      if (simple.length > 0) await results.put(simple.map((member) => this.#write(member, ending)));
      await this.#forgetCallbacks(simple, ending);
    }
  }

  /** Of a group the plan stays, which knows its members; of what failed too, which may be run again. */
  #write({ plan, ...unit }: Pending, ending: FailedEnding): OutcomeWrite {
    const { clock, resultExpires } = this.#tools;
    const replyTo = plan.kind === 'task' ? plan.message.replyTo : plan.replyTo;
    const asked = plan.kind === 'task' ? plan.message.resultExpires : undefined;
    const record = plan.kind === 'group' || ending.state === 'FAILURE' ? { ...unit, plan } : unit;
    return {
      record: { ...record, ...ending, at: clock.now() },
      ttl: canvasTtl(resultExpires, asked),
      ...(replyTo === undefined ? {} : { replyTo }),
    };
  }
}

function isPending(record: OutcomeRecord | undefined): record is Pending {
  if (record === undefined || isFinal(record)) return false;
  return record.plan?.kind === 'task' || record.plan?.kind === 'group';
}

function canvasOf({ plan }: Pending): CanvasRef {
  return plan.kind === 'task' ? (plan.message.canvas ?? {}) : plan.canvas;
}

function callbacksOf(unit: Pending): readonly string[] {
  const { links = [], errors = [] } = canvasOf(unit);
  const own = [...links, ...errors].filter(({ keep }) => !keep).map(({ plan }) => plan);
  return unit.plan.kind === 'group' ? [...own, ...(unit.plan.memberErrors ?? [])] : own;
}
