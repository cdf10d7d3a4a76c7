import { sleep, type Timer } from '@lovage/core/driver';
import type { RedisClient } from '../../connection.ts';
import { scriptsOf } from '../../scripts/scripts.ts';
import type { ReadContext } from '../consumer-context.ts';
import type { RawEntry } from '../entry/entry.ts';
import { isBrokenQueueError, isWrongTypeError } from '../entry/no-group-error.ts';
import { reopenQueue } from '../entry/open-queue.ts';
import { group, type QueueStream, type StreamQueue } from '../entry/stream-queue.ts';
import type { BlockingRead } from './blocking-read.ts';
import type { PendingRecovery } from './pending-recovery.ts';
import { QueueSignals, type QueueSignalsParts } from './queue-signals.ts';
import { type FetchReply, ReadyQueues } from './ready-queues.ts';

/** Messages asked for at once: bounds the time one script call holds Redis. */
const mostAtOnce = 500;
/** Of so many messages one is taken by turns, so that no band starves; see stream-fetch and docs/drivers.md. */
const turnEvery = 16;
/**
 * A stream that alone had messages is read without the script, which costs Redis about 3 µs a message more: for so many
 * milliseconds, and only by reads of so many messages. A message of a higher band waits that much longer at most, and a
 * worker of few slots serves its bands strictly.
 */
const plainFor = 5;
const plainFrom = 16;
/** How often a paused queue is looked at when nobody said that it goes on, in milliseconds: the price of a lost word. */
const pausedLook = 5_000;
/** After which a queue that cannot be read is tried again, in milliseconds. */
const brokenPause = 5_000;
/** Between two reads that failed, in milliseconds. */
const failurePause = 250;

/** With more queues than that, those that may have messages are asked; with fewer, all of them are. */
export const fewQueues = 4;

/** Where a reader's messages go. */
export interface EntrySink {
  /** How many more messages can be run. */
  room(): number;
  /** Takes entries; `wanted` false: a paused queue has handed them out, and they go back. */
  take(stream: QueueStream, entries: readonly RawEntry[], wanted?: false): void;
  /** Called when a read has ended: whose turn is it? */
  onRead(): void;
}

/** The ways on which a reader waits for messages, and finds those that were lost. */
interface ReaderConnections {
  readonly blocking: BlockingRead;
  readonly pendingRecovery: PendingRecovery;
}

/**
 * Reads as many messages as can be run at once. While there are any it fetches, without waiting, in the order that
 * priorities and queues ask for; once a fetch came back short it waits on all streams at once.
 */
export class Reader {
  readonly #context: ReadContext;
  readonly #connections: ReaderConnections;
  readonly #sink: EntrySink;
  #given: readonly StreamQueue[] = [];
  /** Of the given ones those that are read. */
  #queues: readonly StreamQueue[] = [];
  /** Queues that could not be read, until they are tried again. */
  readonly #broken = new Map<StreamQueue, Timer>();
  /** By key. Replaced, never changed: a read under way keeps the one it began with. */
  #streams: ReadonlyMap<string, QueueStream> = new Map();
  /** Queues that were paused when they were last looked at: they are not waited on. */
  #paused: ReadonlySet<StreamQueue> = new Set();
  #recheck: Timer | undefined;
  /** Messages that reads under way may bring. */
  #asked = 0;
  #reads = 0;
  /** Reads that Redis has answered. */
  answered = 0;
  /** Whether there may be messages that a fetch would find. */
  #more = true;
  /** With many queues: those that may have messages. */
  #ready: ReadyQueues | undefined;
  readonly #signals: QueueSignals | undefined;
  #waiting = false;
  #stopped = true;
  #resting = false;
  /** Connections were cut off, or a read failed: strays are looked for before anything else is read. */
  #recoveryRequested = false;
  #seeking = false;
  #again: Timer | undefined;
  #round = 0;
  #taken = 0;
  /** How many messages have been taken by turns. */
  #readTurns = 0;
  #alone: { readonly stream: QueueStream; readonly until: number } | undefined;

  constructor(context: ReadContext, connections: ReaderConnections, sink: EntrySink) {
    this.#context = context;
    this.#connections = connections;
    this.#sink = sink;
    const { clock, keys, onError } = context;
    const { blocking } = connections;
    if (keys.sameSlot)
      this.#signals = new QueueSignals({ blocking, clock, onError, key: keys.streamSignals, ...this.#signalled() });
  }

  #signalled(): Pick<QueueSignalsParts, 'onSignal' | 'onGap' | 'onAnswer'> {
    return {
      onSignal: (base) => this.offer(base),
      onGap: () => {
        this.#ready?.addAll();
        this.pump();
      },
      onAnswer: () => {
        this.answered += 1;
      },
    };
  }

  /** Whether a read is under way, so that messages may still come. */
  get reading(): boolean {
    return this.#reads > 0;
  }

  /** Messages that fetches under way may bring. */
  get asked(): number {
    return this.#waiting ? 0 : this.#asked;
  }

  setQueues(queues: readonly StreamQueue[]): void {
    this.#given = queues;
    this.#useQueues();
  }

  #useQueues(): void {
    const queues = this.#broken.size === 0 ? this.#given : this.#given.filter((queue) => !this.#broken.has(queue));
    this.#queues = queues;
    this.#alone = undefined;
    const many = this.#signals !== undefined && queues.length > fewQueues;
    this.#ready = many ? (this.#ready ?? new ReadyQueues()) : undefined;
    this.#ready?.setQueues(queues);
    this.#streams = many ? new Map() : byKey(queues);
    if (many) this.#signals?.start();
    this.refresh();
  }

  /** Reads from now on. */
  start(): void {
    this.#stopped = false;
    this.#more = true;
    if (this.#queues.length + this.#broken.size !== this.#given.length) this.#useQueues();
    this.pump();
  }

  /** Begins no more reads, and interrupts the one that waits. What still comes is given to `take`. */
  stop(): void {
    this.#stopped = true;
    this.#again?.cancel();
    this.#recheck?.cancel();
    this.#interrupt();
  }

  /** Ends the wait for signals. */
  close(): void {
    for (const timer of this.#broken.values()) timer.cancel();
    this.#signals?.close();
  }

  /** A queue may have messages again, or goes on. */
  offer(base: string): void {
    if (this.#ready?.add(base)) this.pump();
  }

  /** There may be strays: lets the reads under way end, then looks. */
  requestRecovery(): void {
    this.#recoveryRequested = true;
    this.#interrupt();
    this.pump();
  }

  /** Looks again: queues, slots or streams have changed. */
  refresh(): void {
    this.#more = true;
    this.#ready?.addPaused();
    this.#interrupt();
    this.pump();
  }

  /** Begins a read if there is room for what it brings. */
  pump(): void {
    if (this.#stopped || this.#resting || this.#seeking || this.#queues.length === 0) return;
    if (this.#recoveryRequested) {
      if (this.#reads === 0) void this.#seek();
      return;
    }
    const count = Math.min(mostAtOnce, this.#sink.room() - this.#asked);
    if (count <= 0) return;
    if (this.#ready ? this.#ready.size > 0 : this.#more) void this.#read(count, () => this.#fetch(count));
    else if (this.#ready) return;
    else if (this.#reads === 0 && this.#queues.some((queue) => !this.#paused.has(queue)))
      void this.#read(count, () => this.#wait(count));
  }

  /** Keeps account of one read. Never rejects. */
  async #read(count: number, read: () => Promise<void>): Promise<void> {
    this.#asked += count;
    this.#reads += 1;
    try {
      await read();
      this.answered += 1;
    } catch (error) {
      this.#recoveryRequested = true; // Redis may have handed out what was not taken
      if (!this.#stopped) await this.#rest(error as Error);
    } finally {
      this.#asked -= count;
      this.#reads -= 1;
      this.#sink.onRead();
    }
  }

  /** Takes strays in. Never rejects. */
  async #seek(): Promise<void> {
    const { blocking, pendingRecovery } = this.#connections;
    const { clock } = this.#context;
    this.#seeking = true;
    this.#recoveryRequested = false;
    this.#more = true;
    this.#ready?.addAll();
    try {
      const streams = this.#queues.flatMap((queue) => [...queue.streams.values()]);
      const certain = await pendingRecovery.find(streams, (via, stream, found) => this.#takeKept(via, stream, found));
      if (!certain && !this.#stopped) {
        this.#again?.cancel();
        this.#again = clock.after(blocking.longest, () => this.requestRecovery());
      }
    } catch (error) {
      if (!this.#stopped) await this.#rest(error as Error);
      this.#recoveryRequested = true;
    } finally {
      this.#seeking = false;
      this.pump();
    }
  }

  #fetch(count: number): Promise<void> {
    const alone = this.#alone;
    const plain = alone && count >= plainFrom && this.#context.clock.monotonic() < alone.until;
    return plain ? this.#fetchPlain(alone.stream, count) : this.#fetchInOrder(count);
  }

  async #fetchInOrder(count: number): Promise<void> {
    const ready = this.#ready;
    const order = ready ? ready.next(count) : this.#inTurn();
    try {
      const reply = await this.#ask(order, count);
      this.#takeFound(order, count, reply.found);
      ready?.done(order, reply);
      if (ready && reply.paused.length > 0) this.#lookLater();
      // it has seen all of them
      if (!ready && !this.#more) this.#setPaused(reply.paused.map((place) => order[place - 1] as StreamQueue));
      if (reply.missing.length > 0) await this.#reopen(reply.missing.map((place) => order[place - 1] as StreamQueue));
    } catch (error) {
      ready?.putBack(order);
      throw error;
    }
  }

  /** Another queue is first each time. */
  #inTurn(): readonly StreamQueue[] {
    const queues = this.#queues;
    const first = this.#round++ % queues.length;
    return [...queues.slice(first), ...queues.slice(0, first)];
  }

  async #ask(order: readonly StreamQueue[], count: number): Promise<FetchReply> {
    const { client, name, keys } = this.#context;
    const turn = this.#readTurns;
    const fair = Math.max(0, Math.min(count, Math.floor((this.#taken + count) / turnEvery) - turn));
    this.#readTurns += fair;
    const args = [group, name, count, fair, turn, this.#ready ? keys.streamSignals : ''];
    const [found, missing, paused, empty] = await scriptsOf(client).streamFetch(
      order.map((queue) => queue.base),
      args,
    );
    return { found, missing, paused, empty };
  }

  #takeFound(order: readonly StreamQueue[], count: number, found: readonly unknown[]): void {
    let brought = 0;
    for (let at = 0; at < found.length; at += 3) {
      const [place, name, entries] = found.slice(at, at + 3) as [number, string, RawEntry[]];
      brought += entries.length;
      this.#sink.take((order[place - 1] as StreamQueue).streams.get(name) as QueueStream, entries);
    }
    this.#taken += brought;
    this.#more = brought >= count;
    const only =
      this.#more && found.length === 3 ? order[(found[0] as number) - 1]?.streams.get(found[1] as string) : undefined;
    this.#alone = only && { stream: only, until: this.#context.clock.monotonic() + plainFor };
  }

  #setPaused(queues: readonly StreamQueue[]): void {
    this.#recheck?.cancel();
    if (queues.length > 0 || this.#paused.size > 0) this.#paused = new Set(queues);
    if (queues.length > 0) this.#lookLater();
  }

  #lookLater(): void {
    this.#recheck?.cancel();
    if (!this.#stopped) this.#recheck = this.#context.clock.after(pausedLook, () => this.refresh());
  }

  async #fetchPlain(stream: QueueStream, count: number): Promise<void> {
    const { client, name } = this.#context;
    const reading = client.xreadgroup('GROUP', group, name, 'COUNT', count, 'STREAMS', stream.key, '>');
    const { removed, paused } = stream.queue;
    const looking = client.exists(removed, paused); // behind the read: who removes after it finds the entry running
    const [reply, marks] = await Promise.all([reading, looking]);
    const entries = (reply as [string, RawEntry[]][] | null)?.[0]?.[1] ?? [];
    this.#taken += entries.length;
    if (entries.length < count || marks > 0) this.#alone = undefined;
    if (entries.length === 0) return;
    if (marks > 0) await this.#takeKept(client, stream, entries);
    else this.#sink.take(stream, entries);
  }

  /** Takes entries, save those that were removed while they waited, and those of a paused queue. */
  async #takeKept(client: RedisClient, stream: QueueStream, entries: readonly RawEntry[]): Promise<void> {
    const ids = entries.flatMap(([entry, fields]) => [entry, fields?.[0] ?? '']);
    const [dropped, paused] = await scriptsOf(client).streamDrop([stream.key, stream.queue.base], [group, ...ids]);
    const kept = dropped.length === 0 ? entries : entries.filter((_, place) => !dropped.includes(place));
    if (paused === 1) this.#sink.take(stream, kept, false);
    else this.#sink.take(stream, kept);
  }

  async #wait(count: number): Promise<void> {
    this.#waiting = true;
    try {
      const queues = this.#queues.filter((queue) => !this.#paused.has(queue));
      const streams = queues.length === this.#queues.length ? this.#streams : byKey(queues);
      const each = Math.max(1, Math.floor(count / streams.size)); // Redis may give so many of every stream
      const marks = queues.map(({ paused }) => paused);
      const found = await this.#connections.blocking.read([...streams.keys()], marks, each);
      if (found && count < streams.size) this.#more = true; // whatever came, the next one is to be chosen by priority
      if (found?.marked) this.#more = true;
      for (const [key, entries] of found?.entries ?? []) {
        if (entries.length >= each) this.#more = true;
        this.#taken += entries.length;
        const stream = streams.get(key) as QueueStream;
        if (found?.marked) await this.#takeKept(this.#context.client, stream, entries);
        else this.#sink.take(stream, entries);
      }
    } catch (error) {
      if (!isBrokenQueueError(error)) throw error;
      await this.#reopen(this.#queues);
    } finally {
      this.#waiting = false;
    }
  }

  async #reopen(queues: readonly StreamQueue[]): Promise<void> {
    for (const queue of queues)
      await reopenQueue(this.#context, queue).catch((error: Error) => this.#setAside(queue, error));
    this.#more = true;
    this.#ready?.putBack(queues);
  }

  /** A queue that is broken (a key of another type, say) does not keep the others from being read. */
  #setAside(queue: StreamQueue, error: Error): void {
    if (!isWrongTypeError(error)) throw error;
    this.#broken.get(queue)?.cancel();
    const { onError, clock } = this.#context;
    onError(
      new Error(`queue "${queue.name}" cannot be read, and is tried again in ${brokenPause} ms`, { cause: error }),
    );
    const again = clock.after(brokenPause, () => {
      this.#broken.delete(queue);
      if (!this.#stopped) this.#useQueues();
    });
    this.#broken.set(queue, again);
    this.#useQueues();
  }

  async #rest(error: Error): Promise<void> {
    this.#context.onError(error);
    this.#more = true;
    this.#resting = true;
    await sleep(this.#context.clock, failurePause);
    this.#resting = false;
  }

  #interrupt(): void {
    if (this.#waiting) this.#connections.blocking.interrupt(this.#context.client).catch(() => {}); // the read ends by itself, later
  }
}

function byKey(queues: readonly StreamQueue[]): ReadonlyMap<string, QueueStream> {
  return new Map(queues.flatMap((queue) => [...queue.streams.values()].map((stream) => [stream.key, stream])));
}
