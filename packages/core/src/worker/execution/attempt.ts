import type { Delivery } from '../../driver/broker.ts';
import type { Message } from '../../message/message.ts';
import type { TaskDefinition } from '../../task/task.ts';
import type { AttemptContext } from './attempt-context.ts';

/** One run of a handler, and what it belongs to. */
export interface Attempt {
  readonly definition: TaskDefinition;
  readonly message: Message;
  readonly delivery: Delivery;
  readonly context: AttemptContext;
  /** When it began, by the monotonic clock, and where the list of running attempts has it: kept by {@link WorkerStats}. */
  begun?: number;
  place?: number;
  /** Called when its handler begins; set where events are listened to. */
  onBegin?: (() => void) | undefined;
  /** How long it ran in milliseconds, and when it ended by the broker's clock: read once, for all that measure. Kept by {@link WorkerStats}. */
  ran?: number;
  endedAt?: number;
  /** How many share its slot: the items of its batch. @default 1 */
  sharedBy?: number;
  /** The return value as JSON, where it is an object or a list: made once, see seal-result.ts. */
  valueText?: string;
}
