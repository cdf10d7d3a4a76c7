import type { CanvasSender } from '../canvas/canvas-sender.ts';
import type { Settlement } from '../driver/broker.ts';
import { LovageError } from '../errors.ts';
import { toFailure } from '../message/failure.ts';
import type { Message } from '../message/message.ts';
import type { OutcomeRecord } from '../message/outcome.ts';
import type { CanvasFollower } from './execution/canvas-step.ts';

/** What it needs of the worker. */
export interface NativeCanvasStepOptions {
  readonly canvas: CanvasSender;
  readonly clock: { now(): number };
  readonly worker: string;
  readonly resultExpires: number;
}

/** Where the broker carries canvases on itself, as it settles: nothing is to be done here but to replace tasks. */
export function createNativeCanvasStep(options: NativeCanvasStepOptions): CanvasFollower {
  return {
    run: (delivery, execute) => execute(delivery),
    follow: (_message, settlement) => settlement,
    openGate: async () => ({ kind: 'ack' }),
    endUnreadable: async () => undefined,
    async replace(message, canvas): Promise<Settlement> {
      if (canvas === undefined) return { kind: 'ack' }; // it was replaced by an earlier delivery
      try {
        await options.canvas.replace(message, canvas, undefined);
        return { kind: 'ack' };
      } catch (error) {
        if (isUnreachable(error)) return { kind: 'release' };
        return failed(message, error, options);
      }
    },
  };
}

function isUnreachable(error: unknown): boolean {
  return error instanceof LovageError && error.code.endsWith('UNAVAILABLE');
}

function failed(
  { id, task, retries, rootId, parentId, replyTo }: Message,
  error: unknown,
  { clock, worker, resultExpires }: NativeCanvasStepOptions,
): Settlement {
  const record: OutcomeRecord = {
    id,
    task,
    state: 'FAILURE',
    failure: toFailure(error),
    attempts: retries + 1,
    at: clock.now(),
    worker,
    ...(rootId ? { rootId } : {}),
    ...(parentId ? { parentId } : {}),
  };
  return { kind: 'ack', outcome: { record, ttl: resultExpires, ...(replyTo ? { replyTo } : {}) } };
}
