import type { Delivery, JsonValue, Message, Settled } from '@lovage/core/driver';
import type { CeleryTask } from '../protocol/celery-task.ts';

/** An entry of a queue as its transport took it. */
export interface RawEntry {
  /** Names the delivery to its transport. */
  readonly tag: string;
  readonly queue: string;
  /** The original text, for whoever looks at what was parked, and for handing it back as it came. */
  readonly text: string;
}

/** Counts starts of deliveries that follow a lost worker. */
export interface StartCounter {
  record(id: string): Promise<number>;
  undo(id: string): Promise<void>;
}

/** A delivery of a task of Celery's, from its receipt to its settlement. */
export class HeldTask implements Delivery {
  readonly entry: RawEntry;
  readonly task: CeleryTask;
  readonly message: Message;
  readonly deliveryCount: number;
  /** Epoch seconds, when its handler began; undefined while it waits. */
  startedAt: number | undefined;
  /** What it returned. */
  value: JsonValue | undefined;
  /** A canvas was put in its place: nothing follows it here. */
  replaced = false;
  readonly #starts: StartCounter;
  readonly #onLost: (() => void)[] = [];
  #onSettled: Settled | undefined;
  #lost = false;
  #recorded: Promise<number> | undefined;

  constructor(entry: RawEntry, task: CeleryTask, message: Message, starts: StartCounter) {
    this.entry = entry;
    this.task = task;
    this.message = message;
    this.deliveryCount = task.headers.redelivered === true ? 2 : 1;
    this.#starts = starts;
  }

  get queue(): string {
    return this.entry.queue;
  }

  get lost(): boolean {
    return this.#lost;
  }

  onLeaseLost(listener: () => void): void {
    if (this.#lost) listener();
    else this.#onLost.push(listener);
  }

  recordStart(): Promise<number> {
    this.#recorded ??= this.#starts.record(this.message.id);
    return this.#recorded;
  }

  async undoStart(): Promise<void> {
    if (this.#recorded !== undefined && !this.#lost) await this.#starts.undo(this.message.id);
  }

  onSettled(listener: Settled): void {
    this.#onSettled = listener;
  }

  /** Somebody else has it now. */
  lose(): void {
    if (this.#lost) return;
    this.#lost = true;
    for (const listener of this.#onLost.splice(0)) listener();
  }

  settled(over: boolean): void {
    this.#onSettled?.(over);
  }
}
