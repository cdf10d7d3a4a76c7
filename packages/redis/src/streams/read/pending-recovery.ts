import { ClosedError } from '@lovage/core/driver';
import { isReady, type RedisClient } from '../../connection.ts';
import type { ReadContext } from '../consumer-context.ts';
import type { RawEntry } from '../entry/entry.ts';
import { isBrokenQueueError } from '../entry/no-group-error.ts';
import { group, type QueueStream } from '../entry/stream-queue.ts';
import { type BlockingRead, ConnectionNumber } from './blocking-read.ts';

/** Pending entries looked at, and claimed, by one command: bounds the time it holds Redis. */
const chunkSize = 500;

/** Takes entries that this process holds from now on. `via` is a connection that works. */
export type TakePending = (via: RedisClient, stream: QueueStream, entries: readonly RawEntry[]) => Promise<void>;

/**
 * Entries that Redis has handed to our consumer and that never reached this process: the reply was lost with its
 * connection, or a dead connection that Redis still believed in was handed them. Without this they would come back when
 * their leases have run out. Nobody has begun them, so this process takes them as they are.
 */
export class PendingRecovery {
  readonly #context: ReadContext;
  /** Waits for messages; idle while lost entries are looked for. */
  readonly #blocking: BlockingRead;
  /** Called when there may be some. */
  readonly #onSuspected: () => void;
  readonly #number: ConnectionNumber;
  /** The connection that was made last, unless one was lost since: the other one may be dead and not know it. */
  #freshest: RedisClient | undefined;
  #onFresh: () => void = () => {};
  #closed = false;

  constructor(context: ReadContext, blocking: BlockingRead, onSuspected: () => void) {
    const { client } = context;
    this.#context = context;
    this.#blocking = blocking;
    this.#onSuspected = onSuspected;
    this.#number = new ConnectionNumber(client);
    client.on('ready', this.#onReady);
    blocking.client.on('ready', this.#onBlockingReady);
    if (isReady(client)) this.#onReady();
    for (const one of [client, blocking.client]) one.on('close', this.#onClose).on('-node', onSuspected); // of a cluster
  }

  /**
   * Finds and claims the strays of these streams. No read may be under way: what Redis has handed out has then arrived, or
   * never will. Resolves with whether all former connections are known to be dead: if not, they may be handed more.
   */
  async find(streams: Iterable<QueueStream>, take: TakePending): Promise<boolean> {
    const { held } = this.#context;
    const via = await this.#via();
    const ended = [await this.#number.endFormer(via), await this.#blocking.number.endFormer(via)];
    const pending = await Promise.all([...streams].map((stream) => this.#findIn(stream, via, take)));
    held.keepLeft(new Map(pending));
    return ended.every(Boolean);
  }

  close(): void {
    this.#closed = true;
    const { client } = this.#context;
    const blocking = this.#blocking;
    client.off('ready', this.#onReady);
    blocking.client.off('ready', this.#onBlockingReady);
    for (const one of [client, blocking.client]) one.off('close', this.#onClose).off('-node', this.#onSuspected);
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

  /** Answers with all that is pending, by the stream's key. */
  async #findIn(stream: QueueStream, via: RedisClient, take: TakePending): Promise<[string, ReadonlySet<string>]> {
    const { name, held } = this.#context;
    const { key } = stream;
    const known = held.known(stream);
    const all = new Set<string>();
    for (let start = '-', more = true; more; ) {
      const pending = await this.#pending(via, key, start);
      const unknownEntries = pending.filter((entry) => !known.has(entry));
      if (unknownEntries.length > 0) {
        const claimed = (await via.xclaim(key, group, name, 0, ...unknownEntries)) as (RawEntry | null)[];
        await take(
          via,
          stream,
          claimed.filter((entry) => entry !== null),
        );
      }
      for (const entry of pending) all.add(entry);
      more = pending.length === chunkSize;
      start = `(${pending.at(-1)}`;
    }
    return [key, all];
  }

  async #pending(via: RedisClient, key: string, start: string): Promise<string[]> {
    try {
      const rows = (await via.xpending(key, group, start, '+', chunkSize, this.#context.name)) as [string][];
      return rows.map(([entry]) => entry);
    } catch (error) {
      if (isBrokenQueueError(error)) return []; // the next read makes it again, or sets its queue aside
      throw error;
    }
  }

  readonly #onReady = (): void => {
    void this.#number.ask(); // never rejects
    this.#freshest = this.#context.client;
    this.#onFresh();
  };

  readonly #onBlockingReady = (): void => {
    this.#freshest = this.#blocking.client;
    this.#onFresh();
  };

  readonly #onClose = (): void => {
    this.#freshest = undefined;
    this.#onSuspected();
  };
}
