import { writeSync } from 'node:fs';
import type { Session } from 'node:inspector';
import { systemClock, type Timer } from '../../clock.ts';
import type { OverdueTask } from './limit-table.ts';

/** What is done about a task that blocks the event loop beyond its hard time limit. */
export const blockedLimitActions = ['exit', 'release'] as const;
export type BlockedLimitAction = (typeof blockedLimitActions)[number];

/** EX_TEMPFAIL: the process is to be started again. */
export const blockedExitCode = 75;

/** Told on the blocked event loop itself, between two statements of what blocks it. */
export type OnOverdue = (overdue: readonly OverdueTask[]) => void;

type Listeners = Map<number, OnOverdue>;
const key = Symbol.for('lovage.blocked-loop');
const shared = globalThis as { [key]?: Listeners };

/** Lets the thread with this number call `listener` on this, blocked event loop. Returns the way to take it back. */
export function listenForBlocks(thread: number, listener: OnOverdue): () => void {
  shared[key] ??= new Map();
  const listeners = shared[key];
  listeners.set(thread, listener);
  return () => void listeners.delete(thread);
}

/** How long the main thread gets to take the call, in milliseconds: native code is not interrupted. */
const answerWithin = 1_000;

/** What the thread needs to reach the main thread. */
export interface BlockReport {
  readonly thread: number;
  readonly action: BlockedLimitAction;
  readonly overdue: readonly OverdueTask[];
}

/**
 * In the thread: calls the listener on the main thread although its event loop is blocked. Only V8's inspector interrupts
 * running JavaScript from outside; a worker thread's `process.exit` ends the thread alone. Where native code blocks the loop
 * (execSync, a synchronous database), nothing interrupts it: the line is written here, and SIGKILL ends the process.
 */
export async function reportBlock({ thread, action, overdue }: BlockReport): Promise<void> {
  const timer = systemClock.after(answerWithin, () => endHard(action, overdue));
  const { Session } = await import('node:inspector');
  const session = new Session();
  session.connectToMainThread();
  const call = `globalThis[Symbol.for('lovage.blocked-loop')]?.get(${thread})?.(${JSON.stringify(overdue)})`;
  session.post('Runtime.evaluate', { expression: call }, () => end(session, timer));
}

function end(session: Session, timer: Timer): void {
  timer.cancel();
  session.disconnect();
}

function endHard(action: BlockedLimitAction, overdue: readonly OverdueTask[]): void {
  const level = 'error';
  const msg = describeBlock(action, overdue);
  writeSync(2, `${JSON.stringify({ level, time: new Date().toISOString(), pid: process.pid, tasks: overdue, msg })}\n`);
  if (action === 'exit') process.kill(process.pid, 'SIGKILL');
}

/** The line for the log. */
export function describeBlock(action: BlockedLimitAction, overdue: readonly OverdueTask[]): string {
  const what = overdue.length > 0 ? 'its hard time limit' : 'maxEventLoopBlock';
  const then = action === 'exit' ? `ending the process (${blockedExitCode})` : 'its lease is not renewed any more';
  return `a task blocks the event loop beyond ${what}: ${then}; give tasks that compute for long the pool threads`;
}
