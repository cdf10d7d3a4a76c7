import type { Message } from '../message/message.ts';
import type { MessageTemplate, PlanTimes } from '../message/plan.ts';
import type { ResultBackend } from './result-backend.ts';

/** A canvas made ready to be sent, for a driver whose messages carry canvases in a form of their own. Plain data. */
export type CanvasNode = CanvasTaskNode | CanvasSequenceNode | CanvasGroupNode;

interface CanvasNodeParts {
  /** The id that its caller gave it. */
  readonly ownId?: string;
  /** Sent with the value when it succeeds. */
  readonly links: readonly CanvasNode[];
  /** Sent with the failing id when it fails. */
  readonly errors: readonly CanvasNode[];
}

/** One call. */
export interface CanvasTaskNode extends CanvasNodeParts {
  readonly kind: 'task';
  readonly message: Omit<MessageTemplate, 'id' | 'parentId' | 'rootId'>;
  readonly times: PlanTimes;
  /** Whether the value before it becomes its first argument. */
  readonly takesInput: boolean;
  /** Its arguments are a list of argument lists. */
  readonly each: boolean;
  /** It is a gate, which no worker runs. */
  readonly gate?: object;
}

/** Calls one after another. */
export interface CanvasSequenceNode extends CanvasNodeParts {
  readonly kind: 'sequence';
  readonly steps: readonly CanvasNode[];
}

/** Calls side by side. */
export interface CanvasGroupNode extends CanvasNodeParts {
  readonly kind: 'group';
  readonly members: readonly CanvasNode[];
}

/** Where a canvas stands. */
export interface CanvasPlace {
  /** Under which the value of the whole will be found; ids of its parts follow from it, by `stepId` and `memberId`, but for those that have one of their own (`ownIdOf`). */
  readonly id: string;
  readonly rootId: string;
  readonly parentId?: string | undefined;
  readonly replyTo?: string | undefined;
}

/** Sends canvases in the broker's own form, and carries them on as it settles deliveries. Takes the place of Lovage's plans. */
export interface NativeCanvas {
  /** Resolves when all that starts now is accepted. Throws {@link NotSupportedError} for what the form has no word for. */
  send(canvas: CanvasNode, place: CanvasPlace): Promise<void>;
  /** Puts a canvas in the place of a running task; the settlement of its delivery then is a plain ack. */
  replace(message: Message, canvas: CanvasNode): Promise<void>;
  /** One more member of the chord that the running task is a member of. */
  addToChord(message: Message, canvas: CanvasNode): Promise<void>;
  /** Has the outcomes that ride on acks stored there. False: they are to be stored before the ack, by the caller. */
  storeIn?(results: ResultBackend): boolean;
}
