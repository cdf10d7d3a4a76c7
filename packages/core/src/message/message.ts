import type { MessageUniqueKeys } from '../options/unique-rule.ts';
import type { CanvasRef } from './canvas-ref.ts';
import type { FlowControl } from './flow-control.ts';
import type { JsonValue } from './json.ts';

/** The version of the envelope that this build writes; a worker refuses a newer one as malformed. */
export const messageVersion = 1;

/** Where a message stands in the waiting line of its task's rate limit. */
export interface RatePlaceOfMessage {
  /** Lower ones start sooner. */
  readonly order: number;
  /** It asks by itself at this moment, epoch ms, if nothing wakes it before. */
  readonly until?: number;
}

/**
 * A call on the wire: self-contained, JSON, small. Optional fields are absent, not null, when they say nothing.
 * Times are epoch milliseconds, durations milliseconds.
 */
export interface Message {
  readonly v: typeof messageVersion;
  /** The task id: a UUIDv7 made by the caller. */
  readonly id: string;
  /** The task's name. */
  readonly task: string;
  readonly args: readonly JsonValue[];
  /** Arguments by name, for workers in languages that have them; others place them by the task's `params`. */
  readonly kwargs?: Readonly<Record<string, JsonValue>>;
  readonly queue: string;
  /** 0–9, higher runs sooner. */
  readonly priority: number;
  /** How many retries have been spent. */
  readonly retries: number;
  /** When it was published, by the caller's clock. */
  readonly sentAt: number;
  /** Not to be run before this moment (by the broker's clock). */
  readonly eta?: number;
  /** Not to be run after this moment; then REVOKED with reason `expired`. */
  readonly expires?: number;
  /** Whoever called waits no longer than that, epoch ms by the broker's clock: not started afterwards, aborted then. */
  readonly deadline?: number;
  /** The call's own limit of retries; null for none. Absent: the task's. */
  readonly maxRetries?: number | null;
  /** The inbox that is rung when the outcome is stored. */
  readonly replyTo?: string;
  readonly ignoreResult?: boolean;
  /** How long the outcome is kept. */
  readonly resultExpires?: number;
  readonly timeLimit?: number;
  readonly softTimeLimit?: number;
  readonly rootId?: string;
  readonly parentId?: string;
  readonly groupId?: string;
  readonly groupIndex?: number;
  readonly headers?: Readonly<Record<string, JsonValue>>;
  readonly stamps?: Readonly<Record<string, JsonValue>>;
  /** The task's tags and the call's, each once. */
  readonly tags?: readonly string[];
  /** The task's version at the caller. */
  readonly version?: string;
  /**
   * The publisher cannot rule out that this id was accepted before (an id given by the user, a publish repeated after a
   * lost reply): the worker asks the result store first, and does not run what has ended.
   */
  readonly mayRepeat?: boolean;
  /** The keys that it holds (`unique`). */
  readonly claim?: MessageUniqueKeys;
  /** Where it stands in a canvas. */
  readonly canvas?: CanvasRef;
  /** When a worker first found the task unknown: start of `unknownTaskGrace`. */
  readonly unknownSince?: number;
  /** Written by versions before 0.2: its task's rate limit let it wait until this moment, epoch ms, and it is not limited again. */
  readonly limitedUntil?: number;
  /** It waits for its task's rate limit. */
  readonly rateLine?: RatePlaceOfMessage;
  /** What it waits for its turn in. Absent: its task has no such option, or its caller did not know; the worker does. */
  readonly turn?: FlowControl;
  /** It was published while it waited for its turn. */
  readonly held?: boolean;
  /** How often the pool's child died under it. */
  readonly crashes?: number;
  /** How many times the handler asked to be put back (`Reject` with requeue). */
  readonly requeues?: number;
  /** Arguments and headers, signed with everything else of the call or encrypted; those fields are empty then. */
  readonly seal?: string;
  /** A worker's signature over what it changed when it put the message back: retries, times, places. */
  readonly step?: string;
}

/** Which run of the handler a delivery is, from 1: retries, requeues and lost workers count. */
export function attemptNumber({ retries, requeues = 0, crashes = 0 }: Message, deliveryCount: number): number {
  return retries + requeues + crashes + deliveryCount;
}
