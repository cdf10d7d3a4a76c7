import type { ReadContext } from '../consumer-context.ts';
import type { RawEntry } from '../entry/entry.ts';
import type { QueueStream, StreamQueue } from '../entry/stream-queue.ts';
import { BlockingRead } from './blocking-read.ts';
import type { MessageSource } from './dispatcher.ts';
import { PendingRecovery } from './pending-recovery.ts';
import { type EntrySink, Reader } from './reader.ts';

/** What takes what the readers bring: the dispatcher. */
export interface EntryDispatcher {
  readonly room: number;
  /** Set to what it tells that it may read again. */
  source: MessageSource | undefined;
  take(stream: QueueStream, entries: readonly RawEntry[], wanted?: false): void;
}

/** The ways in of a consumer's messages: one for all its queues, or one for each. */
export class ReaderPool implements MessageSource {
  readonly #context: ReadContext;
  readonly #dispatcher: EntryDispatcher;
  /** Whether each queue needs a reader of its own, since no command may touch two of them. */
  readonly #perQueue: boolean;
  readonly #queues = new Map<string, StreamQueue>();
  /** By queue, or under '' for all. */
  readonly #readers = new Map<string, QueueReader>();
  #list: readonly QueueReader[] = [];
  /** Those whose queue was removed while a read was under way. */
  readonly #retired = new Set<QueueReader>();
  #turn = 0;
  #started = false;
  #closed = false;

  constructor(context: ReadContext, dispatcher: EntryDispatcher) {
    this.#context = context;
    this.#dispatcher = dispatcher;
    this.#perQueue = !context.keys.sameSlot;
    dispatcher.source = this;
  }

  /** Whether a read is under way, so that messages may still come. */
  get reading(): boolean {
    return this.#all().some(({ reader }) => reader.reading);
  }

  /** Reads from these queues too, unless they are removed before that has begun. */
  async addAll(queues: readonly StreamQueue[]): Promise<void> {
    for (const queue of queues) this.#queues.set(queue.name, queue);
    const perQueue = this.#perQueue ? queues : queues.slice(0, 1);
    await Promise.all(perQueue.map((queue) => this.#add(queue)));
  }

  async #add(queue: StreamQueue): Promise<void> {
    const key = this.#keyOf(queue);
    if (!this.#readers.has(key)) {
      const queueReader = await this.#open();
      if (this.#closed || this.#readers.has(key) || this.#queues.get(queue.name) !== queue) queueReader.close();
      else this.#readers.set(key, queueReader);
    }
    if (this.#closed) return;
    this.#list = [...this.#readers.values()];
    this.#setQueues(key);
    if (this.#started) this.#readers.get(key)?.reader.start();
  }

  remove(queue: StreamQueue): void {
    if (!this.#queues.delete(queue.name)) return;
    const key = this.#keyOf(queue);
    const queueReader = this.#readers.get(key);
    if (!this.#perQueue || !queueReader) {
      this.#setQueues(key);
      return;
    }
    queueReader.reader.stop();
    this.#readers.delete(key);
    this.#list = [...this.#readers.values()];
    this.#retired.add(queueReader);
    this.#onRead();
  }

  start(): void {
    this.#started = true;
    for (const { reader } of this.#list) reader.start();
  }

  stop(): void {
    this.#started = false;
    for (const { reader } of this.#list) reader.stop();
  }

  /** Looks again: slots have changed. */
  refresh(): void {
    for (const { reader } of this.#list) reader.refresh();
  }

  /** Looks again: this queue may have messages, or goes on after a pause. */
  look(queue: StreamQueue): void {
    const reader = this.#readers.get(this.#keyOf(queue))?.reader;
    reader?.offer(queue.base);
    reader?.refresh();
  }

  /** Begins a read where there is room for what it brings. They take turns. */
  pump(): void {
    const count = this.#list.length;
    if (count === 1) {
      (this.#list[0] as QueueReader).reader.pump();
      return;
    }
    this.#turn += 1;
    for (let index = 0; index < count; index += 1) {
      (this.#list[(this.#turn + index) % count] as QueueReader).reader.pump();
    }
  }

  /** How often each queue has answered. */
  polls(): ReadonlyMap<string, number> {
    const polls = new Map<string, number>();
    for (const queue of this.#queues.values())
      polls.set(queue.name, this.#readers.get(this.#keyOf(queue))?.reader.answered ?? 0);
    return polls;
  }

  /** Others take the place of all of them, whatever their reads still wait for. */
  async rebuild(): Promise<void> {
    for (const [key, old] of [...this.#readers]) {
      const queueReader = await this.#open();
      if (this.#closed || this.#readers.get(key) !== old) {
        queueReader.close();
        continue;
      }
      queueReader.reader.answered = old.reader.answered;
      this.#readers.set(key, queueReader);
      this.#list = [...this.#readers.values()];
      old.reader.stop();
      old.close();
      this.#setQueues(key);
      if (this.#started) queueReader.reader.start();
      queueReader.reader.requestRecovery(); // what the old one had asked for may be handed out, and is not taken when it arrives
    }
  }

  close(): void {
    this.#closed = true;
    for (const queueReader of this.#all()) queueReader.close();
    this.#list = [];
    this.#readers.clear();
    this.#retired.clear();
  }

  #all(): readonly QueueReader[] {
    return this.#retired.size === 0 ? this.#list : [...this.#list, ...this.#retired];
  }

  #keyOf(queue: StreamQueue): string {
    return this.#perQueue ? queue.name : '';
  }

  #setQueues(key: string): void {
    const queues = [...this.#queues.values()].filter((queue) => this.#keyOf(queue) === key);
    this.#readers.get(key)?.reader.setQueues(queues);
  }

  async #open(): Promise<QueueReader> {
    const queueReader: QueueReader = await QueueReader.open(this.#context, {
      room: () => (this.#perQueue ? this.#roomOf(queueReader) : this.#dispatcher.room),
      take: (stream, entries, wanted) =>
        this.#take(queueReader, stream, () => this.#dispatcher.take(stream, entries, wanted)),
      onRead: () => this.#onRead(),
    });
    return queueReader;
  }

  /**
   * What comes late to an intake that another has replaced is left to the search of the other, which may have found it already:
   * two that took the same entry would run it twice.
   */
  #take(queueReader: QueueReader, stream: QueueStream, accept: () => void): void {
    const current = this.#readers.get(this.#keyOf(stream.queue));
    if (current === queueReader || this.#retired.has(queueReader) || this.#closed) accept();
    else current?.reader.requestRecovery();
  }

  /** What is left when the others get what they have asked for. */
  #roomOf(queueReader: QueueReader): number {
    let room = this.#dispatcher.room;
    for (const other of this.#list) if (other !== queueReader) room -= other.reader.asked;
    return room;
  }

  #onRead(): void {
    this.pump();
    for (const queueReader of this.#retired) {
      if (queueReader.reader.reading) continue;
      this.#retired.delete(queueReader);
      queueReader.close();
    }
    if (!this.reading) this.#context.held.notify();
  }
}

/** One way in of messages: what fetches, what waits, and what finds those that were lost on the way. */
class QueueReader {
  readonly reader: Reader;
  readonly #pendingRecovery: PendingRecovery;
  readonly #blocking: BlockingRead;

  static async open(context: ReadContext, sink: EntrySink): Promise<QueueReader> {
    return new QueueReader(context, await BlockingRead.open(context), sink);
  }

  private constructor(context: ReadContext, blocking: BlockingRead, sink: EntrySink) {
    this.#blocking = blocking;
    this.#pendingRecovery = new PendingRecovery(context, blocking, () => this.reader.requestRecovery());
    this.reader = new Reader(context, { blocking, pendingRecovery: this.#pendingRecovery }, sink);
  }

  /** Ends its connection. */
  close(): void {
    this.reader.close();
    this.#pendingRecovery.close();
    this.#blocking.close();
  }
}
