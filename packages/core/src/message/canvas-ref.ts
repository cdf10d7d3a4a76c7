/**
 * What a message of a canvas knows of its surroundings: ids only, so that it stays small however large the canvas is.
 * What is still to be sent lies in the result store as plans (plan.ts).
 */
export interface CanvasRef {
  /** The unit that starts when this one has succeeded. */
  readonly next?: string;
  /** The group that this unit is the end of a member of. */
  readonly join?: JoinRef;
  /** The task whose place this one took (`self.replace`): it ends as this one does. */
  readonly replaces?: string;
  /** The workflow run that waits for this unit, and the key of its step. */
  readonly wakes?: { readonly run: string; readonly key: string };
  /** Callbacks of a success. */
  readonly links?: readonly CallbackRef[];
  /** Callbacks of a failure. */
  readonly errors?: readonly CallbackRef[];
  /** The first argument is the value of this id, to be loaded when the task is run. */
  readonly input?: string;
  /** The arguments are a list of argument lists: the handler runs once for each, and the value is the list of values. */
  readonly each?: boolean;
}

/** Which member of which group a unit ends. */
export interface JoinRef {
  readonly group: string;
  readonly index: number;
  /** Absent while nobody knows it: the group's plan says it later. */
  readonly size?: number;
  /** Set for a member that a running one added (`self.addToChord`): by whom, and as which one from 1. */
  readonly added?: { readonly by: string; readonly nth: number };
}

/** A callback: the plan that holds it, and the id it runs under, so that it runs once however often it is fired. */
export interface CallbackRef {
  readonly plan: string;
  readonly run: string;
  /** Others may still need the plan when this unit is done with it. */
  readonly keep?: boolean;
}
