import type { Clock, Timer } from '../clock.ts';
import type { JsonValue } from '../task/json.ts';
import { eventTopic, type LovageEvent } from './event.ts';

/** Sends one message on the bus; its failure is the sender's to ignore, since events are news and never worth a task. */
export type EventTransport = (topic: string, message: JsonValue) => Promise<void>;

/** Events wait at most that long, in milliseconds, or until there are so many. */
const longestWait = 50;
const fullBatch = 500;
/** With the bus away, no more than that wait; the oldest go first. */
const mostWaiting = 10_000;

/** Collects events and sends them many at a time. */
export class EventSender {
  readonly #transport: EventTransport;
  readonly #clock: Clock;
  #waiting: LovageEvent[] = [];
  #timer: Timer | undefined;
  #sending: Promise<void> = Promise.resolve();
  /** Events that were dropped because the bus did not take them. */
  dropped = 0;

  constructor(transport: EventTransport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  send(event: LovageEvent): void {
    this.#waiting.push(event);
    if (this.#waiting.length > mostWaiting) {
      this.#waiting.shift();
      this.dropped += 1;
    }
    if (this.#waiting.length >= fullBatch) this.#flush();
    else this.#timer ??= this.#clock.after(longestWait, () => this.#flush(), { background: true });
  }

  /** Resolves when what was collected has been handed to the bus, or dropped. */
  async close(): Promise<void> {
    this.#flush();
    await this.#sending;
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    const batch = this.#waiting;
    this.#waiting = [];
    this.#sending = this.#transport(eventTopic, batch as unknown as JsonValue).catch(() => {
      this.dropped += batch.length;
    });
  }
}
