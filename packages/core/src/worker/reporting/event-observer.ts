import type { Clock } from '../../clock.ts';
import type { EventOf, EventType, LovageEvent, TaskEventFields } from '../../events/event.ts';
import type { EventSender } from '../../events/event-sender.ts';
import type { JsonValue } from '../../message/json.ts';
import type { Message } from '../../message/message.ts';
import type { Attempt } from '../execution/attempt.ts';
import type { AttemptResult } from '../execution/attempt-result.ts';
import type { AttemptObserver } from '../execution/executor.ts';

/** Tells the bus of each attempt, while events are switched on and somebody listens; otherwise it costs a comparison or two. */
export class EventObserver implements AttemptObserver {
  readonly #sender: EventSender;
  readonly #clock: Clock;
  readonly #worker: string;
  enabled: boolean;

  constructor(parts: {
    readonly sender: EventSender;
    readonly clock: Clock;
    readonly worker: string;
    readonly enabled: boolean;
  }) {
    this.#sender = parts.sender;
    this.#clock = parts.clock;
    this.#worker = parts.worker;
    this.enabled = parts.enabled;
  }

  get #heard(): boolean {
    return this.enabled && !this.#sender.noListeners;
  }

  onStart(attempt: Attempt): void {
    if (!this.#heard) return;
    this.#emit('task.received', attempt.message, {});
    attempt.onBegin = () => this.#emit('task.started', attempt.message, { attempt: attempt.context.attempt });
  }

  onEnd(attempt: Attempt, result: AttemptResult): void {
    if (!this.#heard) return;
    const { message, context, begun } = attempt;
    const timed = {
      attempt: context.attempt,
      runtime: begun === undefined ? 0 : Math.round(this.#clock.monotonic() - begun),
    };
    switch (result.state) {
      case 'SUCCESS':
        return this.#emit('task.succeeded', message, timed);
      case 'FAILURE':
      case 'CRASH_BUDGET_EXCEEDED':
        return this.#emit('task.failed', message, { ...timed, failure: brief(result.failure) });
      case 'RETRY':
        return this.#emit('task.retried', message, {
          attempt: timed.attempt,
          retryAt: Math.round(result.at),
          failure: brief(result.failure),
        });
      case 'REVOKED':
        return this.#emit('task.revoked', message, { reason: result.reason });
      case 'REJECTED':
        return this.#emit('task.rejected', message, { requeued: false, reason: result.failure.message });
      case 'REQUEUED':
        return this.#emit('task.rejected', message, { requeued: true, reason: '' });
      default:
    }
  }

  onProgress(message: Message, progress: JsonValue): void {
    if (this.#heard) this.#emit('task.progress', message, { progress });
  }

  #emit<T extends EventType>(
    type: T,
    message: Message,
    fields: Omit<EventOf<T>, 'type' | 'at' | 'worker' | keyof TaskEventFields>,
  ): void {
    const { id, task, queue, rootId, parentId, tags } = message;
    const about = { id, task, queue, rootId, parentId, tags };
    const event = { type, at: this.#clock.now(), worker: this.#worker, ...about, ...fields };
    this.#sender.send(event as unknown as LovageEvent); // the fields are those of `type`, by the parameter above
  }
}

const brief = ({ name, message }: { readonly name: string; readonly message: string }) => ({
  name,
  message: message.slice(0, 1000),
});
