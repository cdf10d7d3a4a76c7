import { ClosedError, type Message, sleep, visibleAt } from '@lovage/core/driver';
import type { RedisClient } from '../../connection.ts';
import { accept, type Call, refuse, type Sent } from '../../publish-call.ts';
import type { BrokerParts } from '../../redis-connection.ts';
import { scriptsOf } from '../../scripts/scripts.ts';
import { joinTexts } from '../../scripts/streams/lines.lua.ts';
import { isConnectionError, toBrokerError, wasNotCarriedOut } from '../../store-errors.ts';
import { Deadline } from '../../store-link.ts';
import { encodePayload, markRepeated } from '../entry/entry.ts';
import { createStreamQueue, type StreamQueue } from '../entry/stream-queue.ts';
import { corked } from '../settle/corked-writes.ts';

/** Messages in one script call, and characters: bounds the time a call holds Redis (500 take about 1.2 ms). */
const chunkSize = 500;
const chunkCharacters = 1_000_000;
/** Between two tries on a connection that is there but not ready to serve (loading, failing over), in milliseconds. */
const pause = 50;

/** All calls of one turn of the event loop that share a deadline. */
interface Batch {
  readonly signal: AbortSignal | undefined;
  readonly outgoingEntries: OutgoingEntry[];
  /** Why the last try failed that is made again. */
  refusal?: unknown;
}

/** Messages of one script call. */
interface Chunk {
  readonly queue: StreamQueue;
  /** undefined: they are held back. */
  readonly band: number | undefined;
  readonly outgoingEntries: OutgoingEntry[];
  characters: number;
}

/**
 * Adds messages to streams. All calls of one turn of the event loop leave together, as one script call for each 500
 * messages of a band, so calls that are made at once cost what one batch costs.
 */
export class Publisher {
  readonly #parts: BrokerParts;
  readonly #queues = new Map<string, StreamQueue>();
  readonly #registered = new Set<string>();
  #batches: Batch[] = [];
  #scheduled = false;
  /** Batches that Redis has not answered: while there is none, a call leaves in its own tick. */
  #underWay = 0;
  #closed = false;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when Redis has all of them. After a lost connection it publishes again, marked `mayRepeat` where the first
   * try may have arrived, until `signal` aborts (or the publish timeout passes, without one).
   */
  publish(messages: readonly Message[], signal: AbortSignal | undefined): Promise<void> {
    if (messages.length === 0) return Promise.resolve();
    return new Promise<void>((resolve, reject) => {
      const call: Call = { left: messages.length, all: messages.length, refused: undefined, resolve, reject };
      const { outgoingEntries: open } = this.#batchOf(signal);
      const before = open.length;
      try {
        for (const message of messages) open.push(toOutgoingEntry(message, call));
      } catch (error) {
        open.length = before; // one that cannot be encoded rejects, and the others are not sent
        throw error;
      }
      if (open.length >= chunkSize) this.#send(); // a worker may begin while the rest is still being encoded
    });
  }

  close(): void {
    this.#closed = true;
  }

  #batchOf(signal: AbortSignal | undefined): Batch {
    const last = this.#batches.at(-1);
    if (last && last.signal === signal) return last;
    if (!this.#scheduled) {
      this.#scheduled = true;
      const send = (): void => {
        this.#scheduled = false;
        this.#send();
      };
      if (this.#underWay === 0) process.nextTick(send);
      else setImmediate(send);
    }
    const batch: Batch = { signal, outgoingEntries: [] };
    this.#batches.push(batch);
    return batch;
  }

  #send(): void {
    const batches = this.#batches;
    this.#batches = [];
    for (const batch of batches) void this.#run(batch); // never rejects
  }

  async #run(batch: Batch): Promise<void> {
    const { clock, publishTimeout } = this.#parts;
    this.#underWay += 1;
    const deadline = new Deadline(clock, batch.signal ?? publishTimeout, () => this.#late(batch));
    let pending: readonly OutgoingEntry[] = batch.outgoingEntries;
    try {
      while (pending.length > 0) {
        pending = await this.#try(pending, deadline, batch);
        if (pending.length > 0) await sleep(clock, pause);
      }
    } catch (error) {
      for (const outgoing of pending) this.#refuse(outgoing, error);
    } finally {
      this.#underWay -= 1;
      deadline.clear();
    }
  }

  /** Tries once; returns those to be tried again. Rejects when the deadline passes. */
  async #try(
    outgoingEntries: readonly OutgoingEntry[],
    deadline: Deadline,
    batch: Batch,
  ): Promise<readonly OutgoingEntry[]> {
    deadline.check();
    if (this.#closed) throw new ClosedError('the broker');
    const client = this.#parts.link.readyClient ?? (await this.#parts.link.ready(deadline));
    const again: OutgoingEntry[] = [];
    const repeat = (outgoing: OutgoingEntry, error: unknown): void => {
      batch.refusal = error;
      again.push(outgoing);
    };
    const sent: Promise<void>[] = [];
    corked(client, () => {
      for (const chunk of this.#chunks(outgoingEntries)) sent.push(this.#add(client, chunk, repeat));
    });
    await deadline.race(Promise.all(sent));
    return again;
  }

  async #add(
    client: RedisClient,
    chunk: Chunk,
    repeat: (outgoing: OutgoingEntry, error: unknown) => void,
  ): Promise<void> {
    try {
      await this.#call(client, chunk);
      for (const outgoing of chunk.outgoingEntries) accept(outgoing);
    } catch (error) {
      const refused = !isConnectionError(error);
      for (const outgoing of chunk.outgoingEntries) {
        if (refused) this.#refuse(outgoing, error);
        else if (!outgoing.over) {
          if (!wasNotCarriedOut(error)) outgoing.payload = markRepeated(outgoing.payload); // the first try may have arrived, and even have been run
          repeat(outgoing, error);
        }
      }
    }
  }

  #call(client: RedisClient, { queue, band, outgoingEntries }: Chunk): Promise<number> {
    this.#register(client, queue.name);
    const scripts = scriptsOf(client);
    if (band !== undefined) {
      const ids = joinTexts(outgoingEntries.map(({ id }) => id));
      const payloads = outgoingEntries.map(({ payload }) => payload).join('\n');
      return scripts.streamPublish([queue.base], [band, outgoingEntries.length, ...ids, payloads]);
    }
    const args: (string | number)[] = [queue.wake];
    for (const { id, due = 0, band: of, payload } of outgoingEntries) args.push(id, due, `${of}:${payload}`);
    return scripts.streamPublishAt([queue.base], args);
  }

  #chunks(outgoingEntries: readonly OutgoingEntry[]): Chunk[] {
    const chunks: Chunk[] = [];
    const open = new Map<string, Chunk>();
    let last: Chunk | undefined;
    for (const outgoing of outgoingEntries) {
      if (outgoing.over) continue;
      const band = outgoing.due === undefined ? outgoing.band : undefined;
      let chunk =
        last?.queue.name === outgoing.queue && last.band === band ? last : open.get(`${band}:${outgoing.queue}`);
      if (!chunk || chunk.outgoingEntries.length >= chunkSize || chunk.characters > chunkCharacters) {
        chunk = { queue: this.#queue(outgoing.queue), band, outgoingEntries: [], characters: 0 };
        chunks.push(chunk);
        open.set(`${band}:${outgoing.queue}`, chunk);
      }
      chunk.outgoingEntries.push(outgoing);
      chunk.characters += outgoing.payload.length;
      last = chunk;
    }
    return chunks;
  }

  #queue(name: string): StreamQueue {
    let queue = this.#queues.get(name);
    if (!queue) {
      queue = createStreamQueue(this.#parts.keys, name);
      this.#queues.set(name, queue);
    }
    return queue;
  }

  /** Remembers the queue: once per process and queue, in the write of its first message. */
  #register(client: RedisClient, name: string): void {
    if (this.#registered.has(name)) return;
    this.#registered.add(name);
    client.sadd(this.#parts.keys.streamQueues, name).catch(() => this.#registered.delete(name)); // with the next message
  }

  #refuse(outgoing: OutgoingEntry, error: unknown): void {
    refuse(outgoing, toBrokerError(error, this.#parts.link.display, outgoing.id));
  }

  #late({ signal, refusal }: Batch): Error {
    const waited = signal
      ? 'did not accept the message in time'
      : `did not accept the message within ${this.#parts.publishTimeout} ms`;
    return this.#parts.link.unavailable(waited, { refusal });
  }
}

/** A message on its way, encoded when it was handed over: its owner may change it afterwards. */
interface OutgoingEntry extends Sent {
  readonly queue: string;
  readonly band: number;
  readonly due: number | undefined;
  readonly id: string;
  payload: string;
}

/** A message, encoded. Throws for what JSON cannot carry. */
function toOutgoingEntry(message: Message, call: Call): OutgoingEntry {
  return {
    queue: message.queue,
    band: message.priority,
    due: visibleAt(message),
    id: message.id,
    payload: encodePayload(message),
    call,
    over: false,
  };
}
