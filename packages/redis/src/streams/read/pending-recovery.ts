import { ClosedError } from '@lovage/core/driver';
import { isReady, type RedisClient } from '../../connection.ts';
import type { RawEntry } from '../entry/entry.ts';
import { isBrokenQueueError } from '../entry/no-group-error.ts';
import { group, type QueueStream } from '../entry/stream-queue.ts';
import type { BlockingRead } from './blocking-read.ts';
import { ConnectionNumber } from './connection-number.ts';
import type { InFlightDeliveries } from './in-flight-deliveries.ts';

/** Pending entries looked at, and claimed, by one command: bounds the time it holds Redis. */
const chunkSize = 500;
/** Entries left to their leases that are remembered. */
const mostLeft = 10_000;

/** What is needed to find strays. */
export interface PendingRecoveryParts {
  /** The name of our consumer in the group. */
  readonly consumer: string;
  /** Fetches and settles. */
  readonly client: RedisClient;
  /** Waits for messages; idle while strays are looked for. */
  readonly blocking: BlockingRead;
  readonly held: InFlightDeliveries;
  /** Called when there may be strays. */
  readonly onSuspected: () => void;
}

/** Takes entries that this process holds from now on. `via` is a connection that works. */
export type TakePending = (via: RedisClient, stream: QueueStream, entries: readonly RawEntry[]) => Promise<void>;

/**
 * Entries that Redis has handed to our consumer and that never reached this process: the reply was lost with its
 * connection, or a dead connection that Redis still believed in was handed them. Without this they would come back when
 * their leases have run out. Nobody has begun them, so this process takes them as they are.
 */
export class PendingRecovery {
  readonly #parts: PendingRecoveryParts;
  readonly #number: ConnectionNumber;
  /** The connection that was made last, unless one was lost since: the other one may be dead and not know it. */
  #freshest: RedisClient | undefined;
  #onFresh: () => void = () => {};
  /** Known, and left alone until their leases run out. */
  #left = new Set<string>();
  #closed = false;

  constructor(parts: PendingRecoveryParts) {
    const { client, blocking, onSuspected } = parts;
    this.#parts = parts;
    this.#number = new ConnectionNumber(client);
    client.on('ready', this.#onReady);
    blocking.client.on('ready', this.#onBlockingReady);
    if (isReady(client)) this.#onReady();
    for (const one of [client, blocking.client]) one.on('close', this.#onClose).on('-node', onSuspected); // of a cluster
  }

  /** Says that this entry is known, and not to be taken for a stray. */
  leave(stream: QueueStream, entry: string): void {
    if (this.#left.size < mostLeft) this.#left.add(stream.key + entry);
  }

  /**
   * Finds and claims the strays of these streams. No read may be under way: what Redis has handed out has then arrived, or
   * never will. Resolves with whether all former connections are known to be dead: if not, they may be handed more.
   */
  async find(streams: Iterable<QueueStream>, take: TakePending): Promise<boolean> {
    const { blocking, held } = this.#parts;
    const via = await this.#via();
    const ended = [await this.#number.endFormer(via), await blocking.number.endFormer(via)];
    const known = new Set(this.#left);
    for (const { stream, entry } of held) known.add(stream.key + entry);
    const claim = { via, known, take };
    const pending = await Promise.all([...streams].map((stream) => this.#findIn(stream, claim)));
    const still = new Set(pending.flat());
    this.#left = new Set([...this.#left].filter((entry) => still.has(entry)));
    return ended.every(Boolean);
  }

  close(): void {
    this.#closed = true;
    const { client, blocking, onSuspected } = this.#parts;
    client.off('ready', this.#onReady);
    blocking.client.off('ready', this.#onBlockingReady);
    for (const one of [client, blocking.client]) one.off('close', this.#onClose).off('-node', onSuspected);
    this.#number.close();
    this.#onFresh();
  }

  async #via(): Promise<RedisClient> {
    while (!this.#freshest) {
      if (this.#closed) throw new ClosedError('the consumer');
      await new Promise<void>((resolve) => {
        this.#onFresh = resolve;
      });
    }
    return this.#freshest;
  }

  /** Answers with all that is pending. */
  async #findIn(stream: QueueStream, { via, known, take }: Claim): Promise<string[]> {
    const { consumer } = this.#parts;
    const { key } = stream;
    const all: string[] = [];
    for (let start = '-', more = true; more; ) {
      const pending = await this.#pending(via, key, start);
      const unknownEntries = pending.filter((entry) => !known.has(key + entry));
      if (unknownEntries.length > 0) {
        const claimed = (await via.xclaim(key, group, consumer, 0, ...unknownEntries)) as (RawEntry | null)[];
        await take(
          via,
          stream,
          claimed.filter((entry) => entry !== null),
        );
      }
      for (const entry of pending) all.push(key + entry);
      more = pending.length === chunkSize;
      start = `(${pending.at(-1)}`;
    }
    return all;
  }

  async #pending(via: RedisClient, key: string, start: string): Promise<string[]> {
    try {
      const rows = (await via.xpending(key, group, start, '+', chunkSize, this.#parts.consumer)) as [string][];
      return rows.map(([entry]) => entry);
    } catch (error) {
      if (isBrokenQueueError(error)) return []; // the next read makes it again, or sets its queue aside
      throw error;
    }
  }

  readonly #onReady = (): void => {
    void this.#number.ask(); // never rejects
    this.#freshest = this.#parts.client;
    this.#onFresh();
  };

  readonly #onBlockingReady = (): void => {
    this.#freshest = this.#parts.blocking.client;
    this.#onFresh();
  };

  readonly #onClose = (): void => {
    this.#freshest = undefined;
    this.#parts.onSuspected();
  };
}

interface Claim {
  readonly via: RedisClient;
  /** Entries that are no strays. */
  readonly known: ReadonlySet<string>;
  readonly take: TakePending;
}
