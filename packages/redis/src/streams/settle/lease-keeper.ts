import { type Clock, LeaseLostError, type Timer } from '@lovage/core/driver';
import type { RedisClient } from '../../connection.ts';
import { group, type QueueStream } from '../entry/stream-queue.ts';
import { InFlightDeliveries } from '../read/in-flight-deliveries.ts';
import type { StreamDelivery } from './delivery.ts';

/** Entries in one XCLAIM. */
const chunkSize = 500;

/** What a lease keeper is made of. */
export interface LeaseKeeperParts {
  readonly clock: Clock;
  readonly client: RedisClient;
  /** The name of our consumer in the group. */
  readonly consumer: string;
  /** How long a lease lasts, in milliseconds. */
  readonly duration: number;
  readonly onError: (error: Error) => void;
}

/**
 * Renews the leases of the deliveries under way. A lease is the time an entry has been idle in its group's pending list:
 * one XCLAIM for many sets it to nothing, and answers with those that are still there. No delivery is touched before a
 * quarter of its lease has passed, so short tasks cost nothing here, and none waits longer than half of it.
 */
export class LeaseKeeper {
  /** Every delivery that is not over. */
  readonly held: InFlightDeliveries = new InFlightDeliveries();
  readonly #parts: LeaseKeeperParts;
  #timer: Timer | undefined;

  constructor(parts: LeaseKeeperParts) {
    this.#parts = parts;
    this.#arm();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Renews what has not been renewed for a quarter of the lease. The commands are written before this returns. */
  renew(): void {
    const { clock, duration } = this.#parts;
    const now = clock.monotonic();
    const due = new Map<QueueStream, StreamDelivery[]>();
    for (const delivery of this.held) {
      if (delivery.lost || now - delivery.renewedAt < duration / 4) continue;
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
    const { clock, duration } = this.#parts;
    this.#timer = clock.after(Math.max(5, duration / 4), () => {
      this.#arm();
      this.renew();
    });
  }

  async #renew({ key }: QueueStream, deliveries: readonly StreamDelivery[]): Promise<void> {
    const { client, consumer } = this.#parts;
    const running = deliveries.filter((delivery) => delivery.state === 'running'); // the others may be gone by right
    try {
      const entries = deliveries.map((delivery) => delivery.entry);
      const held = new Set((await client.xclaim(key, group, consumer, 0, ...entries, 'JUSTID')) as string[]);
      for (const delivery of running) {
        if (!held.has(delivery.entry) && delivery.state === 'running') this.#lose(delivery);
      }
    } catch (error) {
      this.#parts.onError(error as Error); // asked again at the next tick
    }
  }

  #lose(delivery: StreamDelivery): void {
    this.#parts.onError(new LeaseLostError(delivery.content.id));
    delivery.lose();
  }
}
