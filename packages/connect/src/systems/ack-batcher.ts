import type { SourceRecord } from '../source/record.ts';
import type { SourceContext } from '../source/source-system.ts';

/** A record, and how its delivery is answered. */
export interface Delivered {
  readonly record: SourceRecord;
  /** Its task is accepted. */
  ack(): void;
  /** It was not handed over: the system may deliver it again at once. */
  release(): void;
}

/** Hands deliveries that come one by one over in batches: whatever came while the batch before was under way. */
export class AckBatcher {
  readonly #context: SourceContext;
  readonly #keepAlive: (() => Promise<unknown>) | undefined;
  #waiting: Delivered[] = [];
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(context: SourceContext, keepAlive?: () => Promise<unknown>) {
    this.#context = context;
    this.#keepAlive = keepAlive;
  }

  push(delivered: Delivered): void {
    if (this.#closed) return delivered.release();
    this.#waiting.push(delivered);
    this.#running ??= this.#run();
  }

  /** Forgets what waits: the connection that it came by is gone, and it comes again by the next. */
  reset(): void {
    this.#waiting = [];
  }

  /** Waits for the batch that is under way, and releases what was not handed over. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const delivered of this.#waiting.splice(0)) delivered.release();
    await this.#running;
  }

  async #run(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve)); // what arrived in the same read is one batch
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#context.batch);
      try {
        await this.#context.accept(
          batch.map(({ record }) => record),
          this.#keepAlive,
        );
        for (const delivered of batch) delivered.ack();
      } catch (error) {
        for (const delivered of batch) delivered.release();
        if (!this.#closed && (error as Error).name !== 'ClosedError') this.#context.onError(error as Error);
      }
    }
    this.#running = undefined;
  }
}
