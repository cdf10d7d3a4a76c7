import type { Failure } from '../../message/failure.ts';
import type { Message } from '../../message/message.ts';
import type { Outcome, OutcomeRecord } from '../../message/outcome.ts';

/** What an attempt came to: the task's outcome, or a reason why it has none yet. */
export type AttemptResult =
  | Outcome
  /** Another attempt was asked for: this message, at that time. */
  | { readonly state: 'RETRY'; readonly message: Message; readonly at: number; readonly failure: Failure }
  /** The handler threw Ignore: acknowledge, touch nothing. */
  | { readonly state: 'IGNORED' }
  /** It cannot run now (a rate limit, a key that another one holds, a child that does not start): this message, at its moment. */
  | { readonly state: 'POSTPONED'; readonly message: Message; readonly at: number }
  /** It is not in yet at its ordering, fairness or concurrency key: held until it is. */
  | { readonly state: 'BLOCKED'; readonly message: Message }
  /** The handler refused the task: back to the queue at once. */
  | { readonly state: 'REQUEUED'; readonly message: Message }
  /** The handler refused the task for good. */
  | { readonly state: 'REJECTED'; readonly failure: Failure }
  /** Its workers were lost too often: it fails, and is parked. */
  | { readonly state: 'CRASH_BUDGET_EXCEEDED'; readonly failure: Failure }
  /** The outcome is stored already: ring its waiters again and acknowledge. */
  | { readonly state: 'ALREADY_FINISHED'; readonly outcome: OutcomeRecord }
  /** The handler put a canvas (as JSON) in its place; without one: it had done so before its worker was lost. */
  | { readonly state: 'REPLACED'; readonly canvas?: object; readonly added?: number }
  /** The pool's child died under it: run it again, within the crash budget. */
  | { readonly state: 'CRASHED'; readonly why: string }
  /** The attempt was broken off (shutdown, lost lease), or a store cannot be asked: hand the message back unspent, to come again `at`. */
  | { readonly state: 'RELEASED'; readonly at?: number };
