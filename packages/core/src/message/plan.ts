import type { CanvasRef } from './canvas-ref.ts';
import type { JsonValue } from './json.ts';
import type { Message } from './message.ts';

/** What a message says before it is sent. */
export type MessageTemplate = Omit<Message, 'sentAt' | 'eta' | 'expires'>;

/** When a unit may start and how long it is good for; durations in milliseconds from the moment it is published. */
export interface PlanTimes {
  readonly countdown?: number;
  readonly eta?: number;
  readonly expiresAfter?: number;
  readonly expiresAt?: number;
}

/** How a gate waits. */
export interface GateRule {
  readonly name: string;
  /** Milliseconds from its turn. */
  readonly timeout: number;
  /** What it comes to when nobody has resolved it in time; absent: it fails. */
  readonly fallback?: { readonly value: JsonValue };
}

/** A task that has not been sent. */
export interface TaskPlan extends PlanTimes {
  readonly kind: 'task';
  readonly message: MessageTemplate;
  /** Whether the value before it becomes its first argument. */
  readonly takesInput: boolean;
  /** It is a gate: it is not run, and ends when somebody says so. */
  readonly gate?: GateRule;
  /** Where the chain begins that ends with this unit; absent where it is the unit itself. */
  readonly entry?: string;
}

/** Ids of members that do not follow from their group's, by index. */
export type OwnIds = Readonly<Record<number, string>>;

/** Tasks that end together: a group, or a task that was replaced by a canvas. Kept until it has ended, and with it. */
export interface JoinPlan {
  readonly kind: 'group' | 'replaced';
  readonly canvas: CanvasRef;
  readonly replyTo?: string;
  readonly ttl: number;
  /** How many members a group has; absent while they are still being published. */
  readonly size?: number;
  /** Ids that members were given, by index; the others' follow from the group's. */
  readonly own?: OwnIds;
  /** The id that error callbacks are told; absent for the unit's own. */
  readonly failing?: string;
  readonly entry?: string;
  /** A nested group that kept its own links: its list is spread into the outer one. */
  readonly flat?: boolean;
  /** Callbacks of members, let go when the group has ended. */
  readonly memberErrors?: readonly string[];
  /** replaced: where the canvas begins that stands in its place. */
  readonly by?: string;
  /** replaced: how many members the task had added to its chord. */
  readonly added?: number;
}

/** A link or error callback, to be given its ids when it is fired. */
export interface CallbackPlan {
  readonly kind: 'callback';
  readonly canvas: JsonValue;
}

/** A part of a canvas as it lies in the result store until it is needed. */
export type Plan = TaskPlan | JoinPlan | CallbackPlan;
