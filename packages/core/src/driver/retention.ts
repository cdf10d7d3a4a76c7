import type { OutcomeRecord } from '../message/outcome.ts';
import { isGeneratedId } from '../message/task-id.ts';

/** What a store keeps of work that is over, beside the time that each record says itself. */
export interface Retention {
  /** Outcomes of tasks that succeeded, or were revoked, at most. */
  readonly results: number;
  /** Outcomes of tasks that failed, at most; as many failed jobs of a queue, where a broker keeps them. */
  readonly failures: number;
  /** What outcomes may take of the store in all, in bytes, about. */
  readonly bytes: number;
  /** Dead letters of one queue, at most. */
  readonly deadLetters: number;
  /** What the dead letters of one queue may take, in bytes, about; and as much its failed jobs, where a broker keeps them. */
  readonly deadLetterBytes: number;
  /** How long dead letters are kept, in milliseconds. */
  readonly deadLetterExpires: number;
  /**
   * No outcome younger than this is swept for want of room, in milliseconds: whoever waits for it and lost its ring with a
   * connection has read it by then. So the bounds are those, or what ends within this time, whichever is more.
   */
  readonly grace: number;
}

/**
 * Whether a final record may go before its time for want of room. Not what a canvas may still need (the plan of a task that failed with
 * what it depended on is kept for a retry only); and not what stands under
 * an id that somebody chose (a task id, an idempotency key): that record is what keeps the task from running again.
 */
export function isSweepable({ id, state, canvas, plan }: OutcomeRecord): boolean {
  const needed = plan !== undefined && !(state === 'FAILURE' && plan.kind === 'task');
  return canvas === undefined && !needed && isGeneratedId(id);
}

/** What an app that says nothing keeps. */
export const defaultRetention: Retention = {
  results: 50_000,
  failures: 10_000,
  bytes: 256 * 2 ** 20,
  deadLetters: 10_000,
  deadLetterBytes: 64 * 2 ** 20,
  deadLetterExpires: 30 * 86_400_000,
  grace: 30_000,
};
