import type { Deliver, MaybePromise, Settlement } from '@lovage/core/driver';
import type { ConsumerContext } from '../consumer-context.ts';
import { type RawEntry, readEntry } from '../entry/entry.ts';
import type { QueueStream } from '../entry/stream-queue.ts';
import { cork } from '../settle/corked-writes.ts';
import { StreamDelivery } from '../settle/delivery.ts';
import type { Settler } from '../settle/settler.ts';

/** Deliveries begun in a row; then their settlements and the next read leave, and Redis works while the next ones run. */
const longestBurst = 128;

/** Where messages come from, which is told when it may read again. */
export interface MessageSource {
  /** There may be room. */
  pump(): void;
  /** There may be room, and messages that were handed back. */
  refresh(): void;
}

/**
 * Runs deliveries: as many at once as there are slots, some at a time, so that the event loop gets its turns. Readers give it entries,
 * it gives their deliveries to the receiver, and the answers to the settler.
 */
export class DeliveryDispatcher {
  source: MessageSource | undefined;
  readonly #context: ConsumerContext;
  readonly #deliver: Deliver;
  readonly #settler: Settler;
  /** Deliveries that have a slot and have not begun. */
  #line: StreamDelivery[] = [];
  #slots: number;
  #busy = 0;
  #inBatch = false;
  #handingBack = 0;
  #handedBack = 0;

  constructor(context: ConsumerContext, deliver: Deliver, settler: Settler) {
    this.#context = context;
    this.#deliver = deliver;
    this.#settler = settler;
    this.#slots = context.request.slots;
  }

  /** How many more deliveries there is a slot for. */
  get room(): number {
    return this.#slots - this.#busy;
  }

  /** Deliveries that came while the consumer closed, and went back. */
  get handedBack(): number {
    return this.#handedBack;
  }

  setSlots(slots: number): void {
    this.#slots = slots;
  }

  /** Takes entries in, and begins them. What there is no slot for, or is not wanted, goes back. */
  take(stream: QueueStream, entries: readonly RawEntry[], wanted: boolean = this.#wants(stream)): void {
    const { clock, held } = this.#context;
    const now = clock.monotonic();
    for (const entry of entries) {
      const delivery = new StreamDelivery(stream, entry[0], readEntry(entry, stream), now);
      held.add(delivery);
      if (wanted && this.room > 0) {
        this.#busy += 1;
        this.#line.push(delivery);
      } else void this.#handBack(delivery); // never rejects
    }
    this.#run();
  }

  #wants({ queue }: QueueStream): boolean {
    return this.#context.queues.wants(queue);
  }

  #run(): void {
    if (this.#inBatch || this.#line.length === 0) return;
    const most = Math.min(longestBurst, Math.max(1, Math.ceil(this.#slots / 2)));
    const next = this.#line.length <= most ? this.#line : this.#line.slice(0, most);
    this.#line = this.#line.length <= most ? [] : this.#line.slice(most);
    for (const delivery of next) this.#begin(delivery);
    this.#beginBatch();
  }

  /** What a turn of the event loop reads and settles leaves in one write, at its end. */
  #beginBatch(): void {
    if (this.#inBatch) return;
    this.#inBatch = true;
    const release = cork(this.#context.client);
    setImmediate(() => {
      this.#inBatch = false;
      this.#settler.flush();
      this.source?.pump();
      release();
      this.#run();
    });
  }

  #begin(delivery: StreamDelivery): void {
    if (delivery.state !== 'running') {
      this.#busy -= 1; // handed back while it stood in line
      return;
    }
    let answer: MaybePromise<Settlement>;
    try {
      answer = delivery.content.message ? this.#deliver(delivery) : this.#malformed(delivery);
    } catch (error) {
      this.#abandon(delivery, error);
      return;
    }
    if (answer instanceof Promise) {
      answer.then(
        (settlement) => this.#settle(delivery, settlement),
        (error: unknown) => this.#abandon(delivery, error),
      );
    } else this.#settle(delivery, answer);
  }

  #malformed({ queue, content: { reason, parts } }: StreamDelivery): MaybePromise<Settlement> {
    const { request } = this.#context;
    return request.malformed({
      queue,
      reason: reason ?? { name: 'MalformedMessageError', message: 'unreadable' },
      ...parts,
    });
  }

  #settle(delivery: StreamDelivery, settlement: Settlement): void {
    this.#busy -= 1;
    if (delivery.state !== 'running') return; // handed back: its receiver's answer is void
    this.#settler.add(delivery, settlement);
    this.#beginBatch();
  }

  /** Without an answer the message is left alone: its lease runs out, and it comes again. */
  #abandon(delivery: StreamDelivery, error: unknown): void {
    const { held, onError } = this.#context;
    this.#busy -= 1;
    held.leave(delivery);
    onError(error instanceof Error ? error : new Error('a delivery failed', { cause: error }));
    this.#beginBatch();
  }

  async #handBack(delivery: StreamDelivery): Promise<void> {
    const { queues } = this.#context;
    this.#handingBack += 1;
    if (await this.#settler.handBack(delivery)) this.#handedBack += queues.closing ? 1 : 0;
    this.#handingBack -= 1;
    if (this.#handingBack === 0 && !queues.paused) this.source?.refresh();
  }
}
