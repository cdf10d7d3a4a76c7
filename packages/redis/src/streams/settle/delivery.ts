import type { Delivery, GrantedSlot, Message, Settled } from '@lovage/core/driver';
import type { StartLog } from '../../start-log.ts';
import type { EntryContent } from '../entry/entry.ts';
import type { QueueStream } from '../entry/stream-queue.ts';

/** One entry in the hands of this process. */
export class StreamDelivery implements Delivery {
  readonly stream: QueueStream;
  /** The entry's id: what is acknowledged. It is never delivered again; see stream-queue. */
  readonly entry: string;
  readonly content: EntryContent;
  /** `running`: with its receiver. `settling`: answered. `over`: settled, handed back or given up. */
  state: 'running' | 'settling' | 'over' = 'running';
  /** When the lease was last known to run anew, by the monotonic clock. */
  renewedAt: number;
  /** Where {@link InFlightDeliveries} has it. */
  place = -1;
  /** Told when it is settled. */
  settled: Settled | undefined;
  #lost = false;
  #listeners: (() => void)[] | undefined;

  constructor(stream: QueueStream, entry: string, content: EntryContent, now: number) {
    this.stream = stream;
    this.entry = entry;
    this.content = content;
    this.renewedAt = now;
  }

  get message(): Message {
    if (!this.content.message) throw new Error('a malformed entry has no message'); // never given to a `Deliver`
    return this.content.message;
  }

  get queue(): string {
    return this.stream.queue.name;
  }

  get deliveryCount(): number {
    return this.content.lost + 1;
  }

  /** What comes before all bands was handed back, or let in without a grant. */
  get returned(): boolean {
    return this.stream.band === undefined && this.content.grant === undefined;
  }

  get grant(): GrantedSlot | undefined {
    return this.content.grant;
  }

  get lost(): boolean {
    return this.#lost;
  }

  onLeaseLost(listener: () => void): void {
    if (this.#lost) listener();
    else if (this.#listeners) this.#listeners.push(listener);
    else this.#listeners = [listener];
  }

  recordStart(): Promise<number> {
    return this.#starts.record({ id: this.content.id, deliveryCount: this.deliveryCount });
  }

  async undoStart(): Promise<void> {
    if (!this.#lost) await this.#starts.undo({ id: this.content.id, deliveryCount: this.deliveryCount });
  }

  get #starts(): StartLog {
    const { starts } = this.stream.queue;
    if (!starts) throw new Error('a queue that is only looked at delivers nothing');
    return starts;
  }

  onSettled(listener: Settled): void {
    this.settled = listener;
  }

  /** Tells the listeners, once. */
  lose(): void {
    this.#lost = true;
    const listeners = this.#listeners;
    this.#listeners = undefined;
    for (const listener of listeners ?? []) listener();
  }
}

/** The lease was lost before the settlement: it changes nothing, and the log says so. */
export function dropStale({ onError }: { readonly onError: (error: Error) => void }, delivery: StreamDelivery): void {
  onError(
    new Error(`task ${delivery.content.id} was settled too late: its lease was lost, so this settlement was dropped`),
  );
  delivery.lose();
}

/** The message is gone by an ack. */
export function tellSettled(delivery: StreamDelivery): void {
  if (delivery.settled && !delivery.lost) delivery.settled(true);
}
