import { type OutcomeWrite, retry } from '@lovage/core/driver';
import { recordArguments } from '../../results/record-text.ts';
import { scriptsOf } from '../../scripts/scripts.ts';
import { settleRule } from '../../settle-rule.ts';
import type { ConsumerContext } from '../consumer-context.ts';
import { group, type QueueStream } from '../entry/stream-queue.ts';
import { AckBatch } from './ack-batch.ts';
import { dropStale, type StreamDelivery, tellSettled } from './delivery.ts';

/** Deliveries in one round: bounds the time that one command of it holds Redis. */
const mostDeliveries = 500;

interface Ack {
  readonly delivery: StreamDelivery;
  readonly outcome: OutcomeWrite | undefined;
}

/**
 * Ends deliveries on a cluster, where results have slots of their own, so that no script can write a result and acknowledge.
 * There are three steps, each for all deliveries of a turn and a stream, and each harmless when it is repeated: the leases
 * are renewed (who has lost one stops here, and stores nothing) → the results are stored and ring → acknowledge. Between the
 * last two a crash lets the message come again; whoever gets it finds the result.
 */
export class ClusterAcks {
  readonly #context: ConsumerContext;
  /** Each turn has a map of its own: see the flusher. */
  #waiting = new Map<QueueStream, Ack[]>();

  constructor(context: ConsumerContext) {
    this.#context = context;
  }

  /** Takes an ack in; it is sent by the next {@link flush}. */
  add(delivery: StreamDelivery, outcome: OutcomeWrite | undefined): void {
    const acks = this.#waiting.get(delivery.stream);
    if (acks) acks.push({ delivery, outcome });
    else this.#waiting.set(delivery.stream, [{ delivery, outcome }]);
  }

  /** Sends what was taken in. */
  flush(): void {
    const waiting = this.#waiting;
    if (waiting.size === 0) return;
    this.#waiting = new Map();
    for (const [stream, acks] of waiting) {
      for (let start = 0; start < acks.length; start += mostDeliveries) {
        void this.#end(stream, acks.slice(start, start + mostDeliveries)); // never rejects
      }
    }
  }

  /** Tries until each is settled, or has lost its lease, or is not to be tried any more. Never rejects. */
  async #end(stream: QueueStream, acks: readonly Ack[]): Promise<void> {
    const { client, clock, held, onError, request } = this.#context;
    const rule = settleRule({ client, leaseDuration: request.leaseDuration, now: () => clock.monotonic(), onError });
    let left = acks;
    try {
      await retry(clock, rule, undefined, async () => {
        let problem: unknown;
        left = await this.#try(stream, left, (error) => {
          problem = error;
        });
        if (left.length > 0) throw problem;
      });
    } catch {
      for (const { delivery } of left) held.leave(delivery);
    }
  }

  /** Answers with those whose result could not be stored. */
  async #try(stream: QueueStream, acks: readonly Ack[], refused: (error: unknown) => void): Promise<readonly Ack[]> {
    const { client, name, held: inFlight } = this.#context;
    const entries = acks.map(({ delivery }) => delivery.entry);
    const claimed = await client.xclaim(stream.key, group, name, 0, ...entries, 'JUSTID');
    const held = new Set(claimed as string[]);
    for (const { delivery } of acks) {
      if (held.has(delivery.entry)) continue;
      dropStale(this.#context, delivery);
      inFlight.end(delivery);
    }
    const ours = acks.filter(({ delivery }) => held.has(delivery.entry));
    const stored = await Promise.all(ours.map(({ outcome }) => this.#store(outcome, refused)));
    const done = ours.filter((_, index) => stored[index]);
    if (done.length > 0) await this.#acknowledge(stream, done);
    return ours.filter((_, index) => !stored[index]);
  }

  async #store(outcome: OutcomeWrite | undefined, refused: (error: unknown) => void): Promise<boolean> {
    if (!outcome) return true;
    const { client, keys, ended } = this.#context;
    try {
      const record = recordArguments(outcome, keys);
      await scriptsOf(client).storeRecord([keys.result(outcome.record.id)], record);
      ended.note(outcome, String(record[0]).length);
      return true;
    } catch (error) {
      refused(new Error(`a result could not be stored: ${(error as Error).message}`, { cause: error }));
      return false;
    }
  }

  async #acknowledge(stream: QueueStream, acks: readonly Ack[]): Promise<void> {
    const { client, keys, name, held } = this.#context;
    const batch = new AckBatch(keys, name);
    for (const { delivery } of acks) batch.add(delivery, { outcome: undefined, record: '' });
    const [stale] = await scriptsOf(client).streamAck([stream.key, stream.queue.known], batch.args());
    for (const [index, { delivery }] of acks.entries()) {
      held.end(delivery);
      if (!stale.includes(index)) tellSettled(delivery); // else swept since: it comes again, and its result is found
    }
  }
}
