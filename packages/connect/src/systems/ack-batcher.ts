import type { SourceRecord } from '../source/record.ts';
import type { SourceContext } from '../source/source-system.ts';

/** A record, and how its delivery is answered. */
export interface Delivered {
  readonly record: SourceRecord;
  /** The tasks of this and all deliveries handed over before it are accepted. */
  ack(): void;
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

  get size(): number {
    return this.#waiting.length;
  }

  push(delivered: Delivered): void {
    if (this.#closed) return;
    this.#waiting.push(delivered);
    this.#running ??= this.#run();
  }

  /** Forgets what waits: the connection that it came by is gone, and it comes again by the next. */
  reset(): void {
    this.#waiting = [];
  }

  /** Waits for the batch that is under way; what is not handed over is not acknowledged. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting = [];
    await this.#running;
  }

  async #run(): Promise<void> {
    await Promise.resolve(); // what arrived in the same read is one batch
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#context.batch);
      try {
        await this.#context.accept(
          batch.map(({ record }) => record),
          this.#keepAlive,
        );
        for (const delivered of batch) delivered.ack();
      } catch (error) {
        if (!this.#closed) this.#context.onError(error as Error);
      }
    }
    this.#running = undefined;
  }
}
