import { type Clock, type OutcomeWrite, type RetryRule, retry } from '@lovage/core/driver';
import type { RedisClient } from '../../connection.ts';
import type { Keys } from '../../keys.ts';
import { recordArguments } from '../../results/record-text.ts';
import type { EndedLog } from '../../retention/ended-log.ts';
import { scriptsOf } from '../../scripts/scripts.ts';
import { group, type QueueStream } from '../entry/stream-queue.ts';
import { AckBatch } from './ack-batch.ts';
import type { StreamDelivery } from './delivery.ts';

/** Deliveries in one round: bounds the time that one command of it holds Redis. */
const mostDeliveries = 500;

/** What is needed to end deliveries. */
export interface ClusterAcksParts {
  readonly keys: Keys;
  readonly clock: Clock;
  /** Told of every final outcome that was stored. */
  readonly ended: EndedLog;
  /** The name of our consumer in the group. */
  readonly consumer: string;
  /** Says how long an ack that fails is tried again. */
  readonly rule: () => RetryRule;
  readonly onError: (error: Error) => void;
  readonly onStale: (delivery: StreamDelivery) => void;
  readonly onOver: (delivery: StreamDelivery) => void;
  /** In place of `onOver` when it could not be settled: it comes again when its lease has run out. */
  readonly onLeft: (delivery: StreamDelivery) => void;
  /** In place of `onOver` when the message is gone by this ack. */
  readonly onAcked: (delivery: StreamDelivery) => void;
}

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
  readonly #parts: ClusterAcksParts;
  readonly #client: RedisClient;
  /** Each turn has a map of its own: see the flusher. */
  #waiting = new Map<QueueStream, Ack[]>();

  constructor(client: RedisClient, parts: ClusterAcksParts) {
    this.#client = client;
    this.#parts = parts;
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
    const { clock, rule, onLeft } = this.#parts;
    let left = acks;
    try {
      await retry(clock, rule(), undefined, async () => {
        let problem: unknown;
        left = await this.#try(stream, left, (error) => {
          problem = error;
        });
        if (left.length > 0) throw problem;
      });
    } catch {
      for (const { delivery } of left) onLeft(delivery);
    }
  }

  /** Answers with those whose result could not be stored. */
  async #try(stream: QueueStream, acks: readonly Ack[], refused: (error: unknown) => void): Promise<readonly Ack[]> {
    const { consumer, onStale, onOver } = this.#parts;
    const entries = acks.map(({ delivery }) => delivery.entry);
    const claimed = await this.#client.xclaim(stream.key, group, consumer, 0, ...entries, 'JUSTID');
    const held = new Set(claimed as string[]);
    for (const { delivery } of acks) {
      if (held.has(delivery.entry)) continue;
      onStale(delivery);
      onOver(delivery);
    }
    const ours = acks.filter(({ delivery }) => held.has(delivery.entry));
    const stored = await Promise.all(ours.map(({ outcome }) => this.#store(outcome, refused)));
    const done = ours.filter((_, index) => stored[index]);
    if (done.length > 0) await this.#acknowledge(stream, done);
    return ours.filter((_, index) => !stored[index]);
  }

  async #store(outcome: OutcomeWrite | undefined, refused: (error: unknown) => void): Promise<boolean> {
    if (!outcome) return true;
    const { keys, ended } = this.#parts;
    try {
      const record = recordArguments(outcome, keys);
      await scriptsOf(this.#client).storeRecord([keys.result(outcome.record.id)], record);
      ended.note(outcome, String(record[0]).length);
      return true;
    } catch (error) {
      refused(new Error(`a result could not be stored: ${(error as Error).message}`, { cause: error }));
      return false;
    }
  }

  async #acknowledge(stream: QueueStream, acks: readonly Ack[]): Promise<void> {
    const { keys, consumer, onOver, onAcked } = this.#parts;
    const batch = new AckBatch(keys, consumer);
    for (const { delivery } of acks) batch.add(delivery, { outcome: undefined, record: '' });
    const [stale] = await scriptsOf(this.#client).streamAck([stream.key, stream.queue.known], batch.args());
    for (const [index, { delivery }] of acks.entries()) {
      if (stale.includes(index))
        onOver(delivery); // swept since: it comes again, and its result is found
      else onAcked(delivery);
    }
  }
}
