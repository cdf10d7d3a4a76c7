import type { ResultBackend } from '../driver/result-backend.ts';
import type { CanvasRef } from '../message/canvas-ref.ts';
import { isFinal, type OutcomeRecord, type OutcomeWrite, type TerminalState } from '../message/outcome.ts';
import { broadcastInbox } from './result-inbox.ts';

/** Failures are kept at least so long, in milliseconds: a person looks at them. */
const failureTtl = 7 * 86_400_000;

/** How long an outcome is kept, in milliseconds; `asked`: by the call or its task, which wins. */
export function outcomeTtl(state: string, resultExpires: number, asked?: number): number {
  if (asked !== undefined) return asked;
  return state === 'FAILURE' ? Math.max(failureTtl, resultExpires) : resultExpires;
}

/** How long an outcome of a canvas is kept beyond its `resultExpires` where units before it may be run again, in milliseconds. */
export function canvasTtl(resultExpires: number, asked?: number): number {
  return asked ?? Math.max(failureTtl, resultExpires);
}

/** As much of a task as its outcome needs: a message, or what could be read of one. */
export interface EndedTask {
  readonly id: string;
  readonly task?: string;
  readonly rootId?: string | undefined;
  readonly parentId?: string | undefined;
  readonly canvas?: CanvasRef | undefined;
  readonly replyTo?: string | undefined;
}

/** How it ended. */
export type TaskEnding = Pick<OutcomeRecord, 'value' | 'list' | 'failure' | 'reason' | 'added' | 'each'> & {
  readonly state: TerminalState;
};

/** What the one who says so adds. */
interface OutcomeFacts {
  /** How many times its handler was run. @default 0 */
  readonly attempts?: number;
  readonly now: number;
  readonly ttl: number;
  /** The worker that ran it, or found it. */
  readonly worker?: string;
}

/** The outcome of a task, ready to be stored. Every outcome is made here; on the way of each task, so without spreads. */
export function toOutcome(
  task: EndedTask,
  ending: TaskEnding,
  { now, ttl, worker, attempts = 0 }: OutcomeFacts,
): OutcomeWrite {
  const record: { -readonly [K in keyof OutcomeRecord]: OutcomeRecord[K] } = {
    id: task.id,
    task: task.task ?? '',
    state: ending.state,
    attempts,
    at: now,
  };
  if (worker !== undefined) record.worker = worker;
  Object.assign(record, ending);
  if (task.rootId) record.rootId = task.rootId;
  if (task.parentId) record.parentId = task.parentId;
  if (task.canvas) record.canvas = task.canvas;
  return task.replyTo ? { record, ttl, replyTo: task.replyTo } : { record, ttl };
}

/** What the writer needs. */
export interface OutcomeWriterOptions {
  readonly results: ResultBackend;
  readonly now: () => number;
  readonly resultExpires: number;
}

/** Outcomes in one call of the store. */
const chunkSize = 500;

/** Stores outcomes and notifies who waits for them, wherever a task ends outside of an acknowledgement. */
export class OutcomeWriter {
  readonly #options: OutcomeWriterOptions;

  constructor(options: OutcomeWriterOptions) {
    this.#options = options;
  }

  /** Resolves with the records that stand: others, where tasks had ended before. */
  async store(writes: readonly OutcomeWrite[]): Promise<readonly OutcomeRecord[]> {
    const { results } = this.#options;
    const stand = await results.put(writes);
    const refused = writes.filter((_, index) => !stand[index]).map(({ record }) => record.id);
    if (refused.length === 0) return writes.map(({ record }) => record);
    const others = await results.get(refused);
    const ended = new Map(others.flatMap((record) => (record && isFinal(record) ? [[record.id, record]] : [])));
    return writes.map(({ record }) => ended.get(record.id) ?? record);
  }

  /** {@link store} of one. */
  async storeOne(write: OutcomeWrite): Promise<OutcomeRecord> {
    const [stands = write.record] = await this.store([write]);
    return stands;
  }

  /** Ends tasks REVOKED that will not be run, and notifies every process that waits, since nobody knows which do. */
  async revoke(tasks: readonly EndedTask[], reason: string): Promise<void> {
    const { results, now, resultExpires } = this.#options;
    const facts = { now: now(), ttl: resultExpires };
    for (let start = 0; start < tasks.length; start += chunkSize) {
      const chunk = tasks.slice(start, start + chunkSize);
      await results.put(
        chunk.map(({ id, task }) =>
          toOutcome({ id, replyTo: broadcastInbox, ...(task ? { task } : {}) }, { state: 'REVOKED', reason }, facts),
        ),
      );
    }
  }
}
