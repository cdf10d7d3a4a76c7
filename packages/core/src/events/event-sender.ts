import type { Clock, Timer } from '../clock.ts';
import type { JsonValue } from '../message/json.ts';
import { eventTopic, type LovageEvent } from './event.ts';

/**
 * Sends one message on the bus, and tells how many heard it, where the bus counts. Its failure is the sender's to ignore,
 * since events are news and never worth a task.
 */
export type EventTransport = (topic: string, message: JsonValue) => Promise<number | undefined>;

/** Events wait at most that long, in milliseconds, or until there are so many. */
const longestWait = 50;
const fullBatch = 500;
/** With the bus away, no more than that wait; the older half goes. */
const mostWaiting = 10_000;
/** For so long after a message that nobody heard, in milliseconds, no event is made. */
const noListenersPause = 50;
/** Who has listened for so long, in milliseconds, misses nothing more. */
export const listeningLead: number = 2 * noListenersPause;

/** Collects events and sends them many at a time; while nobody listens, one message every 50 ms at most. */
export class EventSender {
  readonly #transport: EventTransport;
  readonly #clock: Clock;
  #waiting: LovageEvent[] = [];
  #timer: Timer | undefined;
  #sending: Promise<void> | undefined;
  #noListeners = false;
  #pausing = false;
  /** Events that were dropped because the bus did not take them. */
  dropped = 0;

  constructor(transport: EventTransport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  /** Nobody listened a moment ago: events of single tasks are not worth making. */
  get noListeners(): boolean {
    return this.#pausing;
  }

  send(event: LovageEvent): void {
    const waiting = this.#waiting.push(event);
    if (this.#sending !== undefined || this.#pausing) {
      if (waiting >= mostWaiting) this.dropped += this.#waiting.splice(0, mostWaiting / 2).length;
    } else if (waiting >= fullBatch || this.#noListeners) this.#flush();
    else this.#timer ??= this.#clock.after(longestWait, () => this.#flush(), { background: true });
  }

  /** Resolves when what was collected has been handed to the bus, or dropped. */
  async close(): Promise<void> {
    this.#flush();
    while (this.#sending !== undefined) {
      await this.#sending;
      this.#flush();
    }
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#pausing = false; // whoever sends again, as when events are switched on again, begins anew
  }

  /** One batch at a time: what comes meanwhile waits. */
  #flush(): void {
    if (this.#waiting.length === 0 || this.#sending !== undefined) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    const batch = this.#waiting;
    this.#waiting = [];
    this.#sending = this.#carry(batch).then(() => this.#rest());
  }

  /** Never rejects. */
  async #carry(batch: readonly LovageEvent[]): Promise<void> {
    try {
      this.#noListeners = (await this.#transport(eventTopic, batch as unknown as JsonValue)) === 0;
    } catch {
      this.dropped += batch.length;
    }
  }

  #rest(): void {
    this.#sending = undefined;
    this.#pausing = this.#noListeners;
    if (!this.#pausing && this.#waiting.length === 0) return;
    this.#timer = this.#clock.after(
      this.#pausing ? noListenersPause : longestWait,
      () => {
        this.#timer = undefined;
        this.#pausing = false;
        this.#flush();
      },
      { background: true },
    );
  }
}
