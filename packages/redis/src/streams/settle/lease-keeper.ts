import { LeaseLostError, type Timer } from '@lovage/core/driver';
import type { ConsumerContext } from '../consumer-context.ts';
import { group, type QueueStream } from '../entry/stream-queue.ts';
import type { StreamDelivery } from './delivery.ts';

/** Entries in one XCLAIM. */
const chunkSize = 500;

/**
 * Renews the leases of the deliveries under way. A lease is the time an entry has been idle in its group's pending list:
 * one XCLAIM for many sets it to nothing, and answers with those that are still there. No delivery is touched before a
 * quarter of its lease has passed, so short tasks cost nothing here, and none waits longer than half of it.
 */
export class LeaseKeeper {
  readonly #context: ConsumerContext;
  #timer: Timer | undefined;

  constructor(context: ConsumerContext) {
    this.#context = context;
    this.#arm();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Renews what has not been renewed for a quarter of the lease. The commands are written before this returns. */
  renew(): void {
    const { clock, held, request } = this.#context;
    const now = clock.monotonic();
    const due = new Map<QueueStream, StreamDelivery[]>();
    for (const delivery of held) {
      if (delivery.lost || now - delivery.renewedAt < request.leaseDuration / 4) continue;
      delivery.renewedAt = now;
      const list = due.get(delivery.stream) ?? [];
      due.set(delivery.stream, list);
      list.push(delivery);
    }
    for (const [stream, deliveries] of due) {
      for (let start = 0; start < deliveries.length; start += chunkSize) {
        void this.#renew(stream, deliveries.slice(start, start + chunkSize));
      }
    }
  }

  #arm(): void {
    const { clock, request } = this.#context;
    this.#timer = clock.after(Math.max(5, request.leaseDuration / 4), () => {
      this.#arm();
      this.renew();
    });
  }

  async #renew({ key }: QueueStream, deliveries: readonly StreamDelivery[]): Promise<void> {
    const { client, name } = this.#context;
    const running = deliveries.filter((delivery) => delivery.state === 'running'); // the others may be gone by right
    try {
      const entries = deliveries.map((delivery) => delivery.entry);
      const held = new Set((await client.xclaim(key, group, name, 0, ...entries, 'JUSTID')) as string[]);
      for (const delivery of running) {
        if (!held.has(delivery.entry) && delivery.state === 'running') this.#lose(delivery);
      }
    } catch (error) {
      this.#context.onError(error as Error); // asked again at the next tick
    }
  }

  #lose(delivery: StreamDelivery): void {
    this.#context.onError(new LeaseLostError(delivery.content.id));
    delivery.lose();
  }
}
