import type { QueueStream, StreamQueue } from '../entry/stream-queue.ts';
import { Intake, type IntakeParts } from './queue-reader.ts';

/** What intakes are made of. */
export interface IntakesParts extends Omit<IntakeParts, 'onRead'> {
  /** Whether each queue needs one of its own, since no command may touch two of them. */
  readonly apart: boolean;
  /** Called when no read is under way any more. */
  readonly onIdle: () => void;
}

/** The ways in of a consumer's messages: one for all its queues, or one for each. */
export class Intakes {
  readonly #parts: IntakesParts;
  readonly #queues = new Map<string, StreamQueue>();
  /** By queue, or under '' for all. */
  readonly #intakes = new Map<string, Intake>();
  #list: readonly Intake[] = [];
  /** Those whose queue was removed while a read was under way. */
  readonly #retired = new Set<Intake>();
  #turn = 0;
  #started = false;
  #closed = false;

  constructor(parts: IntakesParts) {
    this.#parts = parts;
  }

  /** Whether a read is under way, so that messages may still come. */
  get reading(): boolean {
    return this.#all().some(({ reader }) => reader.reading);
  }

  /** Reads from this queue too, unless it is removed before that has begun. */
  async add(queue: StreamQueue): Promise<void> {
    const key = this.#keyOf(queue);
    this.#queues.set(queue.name, queue);
    if (!this.#intakes.has(key)) {
      const intake = await this.#open();
      if (this.#closed || this.#intakes.has(key) || this.#queues.get(queue.name) !== queue) intake.close();
      else this.#intakes.set(key, intake);
    }
    if (this.#closed) return;
    this.#list = [...this.#intakes.values()];
    this.#setQueues(key);
    if (this.#started) this.#intakes.get(key)?.reader.start();
  }

  remove(queue: StreamQueue): void {
    if (!this.#queues.delete(queue.name)) return;
    const key = this.#keyOf(queue);
    const intake = this.#intakes.get(key);
    if (!this.#parts.apart || !intake) {
      this.#setQueues(key);
      return;
    }
    intake.reader.stop();
    this.#intakes.delete(key);
    this.#list = [...this.#intakes.values()];
    this.#retired.add(intake);
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

  /** Begins a read where there is room for what it brings. They take turns. */
  pump(): void {
    const count = this.#list.length;
    if (count === 1) {
      (this.#list[0] as Intake).reader.pump();
      return;
    }
    this.#turn += 1;
    for (let index = 0; index < count; index += 1) {
      (this.#list[(this.#turn + index) % count] as Intake).reader.pump();
    }
  }

  /** How often each queue has answered. */
  polls(): ReadonlyMap<string, number> {
    const polls = new Map<string, number>();
    for (const queue of this.#queues.values())
      polls.set(queue.name, this.#intakes.get(this.#keyOf(queue))?.reader.answered ?? 0);
    return polls;
  }

  /** Others take the place of all of them, whatever their reads still wait for. */
  async rebuild(): Promise<void> {
    for (const [key, old] of [...this.#intakes]) {
      const intake = await this.#open();
      if (this.#closed || this.#intakes.get(key) !== old) {
        intake.close();
        continue;
      }
      intake.reader.answered = old.reader.answered;
      this.#intakes.set(key, intake);
      this.#list = [...this.#intakes.values()];
      old.reader.stop();
      old.close();
      this.#setQueues(key);
      if (this.#started) intake.reader.start();
      intake.reader.doubt(); // what the old one had asked for may be handed out, and is not taken when it arrives
    }
  }

  /** Says that this entry is known, and left alone until its lease runs out. */
  leave(stream: QueueStream, entry: string): void {
    this.#intakes.get(this.#keyOf(stream.queue))?.strays.leave(stream, entry);
  }

  close(): void {
    this.#closed = true;
    for (const intake of this.#all()) intake.close();
    this.#list = [];
    this.#intakes.clear();
    this.#retired.clear();
  }

  #all(): readonly Intake[] {
    return this.#retired.size === 0 ? this.#list : [...this.#list, ...this.#retired];
  }

  #keyOf(queue: StreamQueue): string {
    return this.#parts.apart ? queue.name : '';
  }

  #setQueues(key: string): void {
    const queues = [...this.#queues.values()].filter((queue) => this.#keyOf(queue) === key);
    this.#intakes.get(key)?.reader.setQueues(queues);
  }

  async #open(): Promise<Intake> {
    const { take, giveBack } = this.#parts;
    const intake: Intake = await Intake.open({
      ...this.#parts,
      take: (stream, entries) => this.#arrived(intake, stream, () => take(stream, entries)),
      giveBack: (stream, entries) => this.#arrived(intake, stream, () => giveBack(stream, entries)),
      room: this.#parts.apart ? () => this.#roomOf(intake) : this.#parts.room,
      onRead: () => this.#onRead(),
    });
    return intake;
  }

  /**
   * What comes late to an intake that another has replaced is left to the search of the other, which may have found it already:
   * two that took the same entry would run it twice.
   */
  #arrived(intake: Intake, stream: QueueStream, accept: () => void): void {
    const current = this.#intakes.get(this.#keyOf(stream.queue));
    if (current === intake || this.#retired.has(intake) || this.#closed) accept();
    else current?.reader.doubt();
  }

  /** What is left when the others get what they have asked for. */
  #roomOf(intake: Intake): number {
    let room = this.#parts.room();
    for (const other of this.#list) if (other !== intake) room -= other.reader.asked;
    return room;
  }

  #onRead(): void {
    this.pump();
    for (const intake of this.#retired) {
      if (intake.reader.reading) continue;
      this.#retired.delete(intake);
      intake.close();
    }
    if (!this.reading) this.#parts.onIdle();
  }
}
