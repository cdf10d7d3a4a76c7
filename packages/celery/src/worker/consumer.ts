import {
  type Clock,
  type CloseReport,
  type ConsumeRequest,
  type Consumer,
  type Deliver,
  isFinal,
  type LeaseGuardPlan,
  type Logger,
  MalformedMessageError,
  type OutcomeWrite,
  plainRecord,
  retry,
  type Settlement,
  sleep,
  toFailure,
} from '@lovage/core/driver';
import { toMessage } from '../message/to-message.ts';
import type { CeleryTask } from '../protocol/celery-task.ts';
import { writeMeta } from '../protocol/result-meta.ts';
import { runBuiltin } from './builtins.ts';
import { EtaQueue } from './eta-queue.ts';
import { HeldTask, type RawEntry, type StartCounter } from './held-task.ts';
import { carryOut, deadLetter, type SettlementTools } from './settlement.ts';
import type { MetaWrite } from './settler.ts';

/** Takes entries off queues; a transport's. */
export interface QueueReader {
  /** Asks for entries from now on, as long as there is room. */
  start(): Promise<void>;
  /** There may be room again. */
  wake(): void;
  addQueue(queue: string): Promise<void>;
  removeQueue(queue: string): Promise<void>;
  pause(): void;
  resume(): void;
  polls(): ReadonlyMap<string, number>;
  rebuild(): Promise<void>;
  close(): Promise<void>;
}

/** What an intake is given. */
export interface QueueReaderSink {
  readonly request: ConsumeRequest;
  /** How many more entries may be taken now. */
  room(): number;
  slots(): number;
  /** How many deliveries wait for their time: they take no slot. */
  resting(): number;
  /** The tags of what is held. */
  tags(): readonly string[];
  /** These were given to somebody else. */
  lost(tags: readonly string[]): void;
  take(entry: RawEntry, read: () => CeleryTask): void;
}

/** What a consumer needs of its transport. */
export interface ConsumerParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly starts: StartCounter;
  readonly defaultQueue: string;
  readonly settlement: Omit<SettlementTools, 'worker'>;
  readonly fromWirePriority: (wire: number) => number;
  readonly queueReader: (sink: QueueReaderSink) => QueueReader;
  /** Tasks that were taken back: by id. */
  readonly isRevoked: (task: CeleryTask) => boolean;
  readonly onClosed: (consumer: CeleryConsumer) => void;
}

/** What hears of the consumers of a process: remote control and events. */
export interface ConsumerWatch {
  opened(consumer: CeleryConsumer): Promise<void>;
  closed(consumer: CeleryConsumer): void;
  isRevoked(task: CeleryTask): boolean;
}

const settleRetry = { first: 100, longest: 5_000 };
/** Settlements under way beside the slots: with a slow store, no more is taken. */
const mostSettling = 2_000;
/** Deliveries that were held, for events that are told late. */
const mostRecent = 1_000;

/** Consumes queues of Celery's: reads messages, holds those whose time has not come, has the rest run, and settles them. */
export class CeleryConsumer implements Consumer {
  readonly request: ConsumeRequest;
  readonly #parts: ConsumerParts;
  readonly #deliver: Deliver;
  readonly #reader: QueueReader;
  readonly #etas: EtaQueue;
  readonly #held = new Map<string, HeldTask>();
  readonly #byId = new Map<string, HeldTask>();
  /** Whose time has come, while no slot is free. */
  readonly #due: HeldTask[] = [];
  readonly #tools: SettlementTools;
  readonly #recent = new Map<string, HeldTask>();
  readonly #totals = new Map<string, number>();
  readonly #queues: string[];
  #slots: number;
  #running = 0;
  #settling = 0;
  #closing: Promise<CloseReport> | undefined;
  readonly #giveUp = new AbortController();
  #idle: (() => void) | undefined;

  constructor(request: ConsumeRequest, deliver: Deliver, parts: ConsumerParts) {
    this.request = request;
    this.#parts = parts;
    this.#deliver = deliver;
    this.#slots = request.slots;
    this.#queues = [...request.queues];
    this.#tools = { ...parts.settlement, worker: request.worker };
    this.#etas = new EtaQueue(parts.clock, (held) => this.#isDue(held));
    this.#reader = parts.queueReader({
      request,
      room: () => this.#room(),
      slots: () => this.#slots,
      resting: () => this.#etas.size,
      tags: () => [...this.#held.keys()],
      lost: (tags) => this.#lose(tags),
      take: (entry, read) => this.#take(entry, read),
    });
  }

  start(): Promise<void> {
    return this.#reader.start();
  }

  /** What is held: running, waiting for its time, or for a slot. */
  get tasks(): readonly HeldTask[] {
    return [...this.#held.values()];
  }

  get waitingForTime(): readonly HeldTask[] {
    return this.#etas.tasks;
  }

  get slots(): number {
    return this.#slots;
  }

  /** How many runs of each task have ended. */
  get totals(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#totals);
  }

  get queues(): readonly string[] {
    return this.#queues;
  }

  /** A delivery that is held, or was not long ago: events are told a little late. */
  recent(id: string): HeldTask | undefined {
    return this.#recent.get(id);
  }

  find(id: string): HeldTask | undefined {
    return this.#byId.get(id);
  }

  /** Tasks were taken back: those that wait for their time end now. */
  revoked(): void {
    for (const held of this.#etas.tasks) {
      if (this.#parts.isRevoked(held.task) && this.#etas.remove(held)) this.#isDue(held);
    }
  }

  setSlots(slots: number): void {
    this.#slots = slots;
    this.#next();
  }

  addQueue(queue: string): Promise<void> {
    if (!this.#queues.includes(queue)) this.#queues.push(queue);
    return this.#reader.addQueue(queue);
  }

  removeQueue(queue: string): Promise<void> {
    const index = this.#queues.indexOf(queue);
    if (index >= 0) this.#queues.splice(index, 1);
    return this.#reader.removeQueue(queue);
  }

  pause(): void {
    this.#reader.pause();
  }

  resume(): void {
    this.#reader.resume();
  }

  polls(): ReadonlyMap<string, number> {
    return this.#reader.polls();
  }

  rebuild(): Promise<void> {
    return this.#reader.rebuild();
  }

  leaseGuard(): LeaseGuardPlan | undefined {
    return undefined;
  }

  close(deadline: number): Promise<CloseReport> {
    this.#closing ??= this.#close(deadline);
    return this.#closing;
  }

  async #close(deadline: number): Promise<CloseReport> {
    const { clock } = this.#parts;
    this.#reader.pause();
    const end = clock.monotonic() + deadline;
    const waiting = [...this.#due.splice(0), ...this.#etas.drain()];
    // the first that came is to be the first that goes: each goes to the very front
    const released = this.#giveBackAll(waiting.reverse());
    await this.#quiet(deadline);
    this.#giveUp.abort();
    const left = Math.max(1, end - clock.monotonic());
    const done = await Promise.race([released, sleep(clock, left).then(() => 0)]);
    await this.#reader.close();
    this.#parts.onClosed(this);
    return { released: done, abandoned: this.#held.size };
  }

  async #giveBackAll(all: readonly HeldTask[]): Promise<number> {
    let given = 0;
    for (const held of all) {
      try {
        await carryOut(held, { kind: 'release' }, this.#tools);
        given++;
        this.#forget(held, false);
      } catch (error) {
        this.request.onError(error as Error);
      }
    }
    return given;
  }

  #quiet(deadline: number): Promise<void> {
    if (this.#running + this.#settling === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#parts.clock.after(deadline, resolve);
      this.#idle = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  #room(): number {
    if (this.#closing || this.#settling > mostSettling) return 0;
    return this.#slots - this.#running - this.#due.length;
  }

  #take(entry: RawEntry, read: () => CeleryTask): void {
    let task: CeleryTask | undefined;
    let held: HeldTask;
    try {
      task = read();
      const { clock, fromWirePriority, starts } = this.#parts;
      const message = toMessage(task, { queue: entry.queue, now: Math.round(clock.now()), priority: fromWirePriority });
      held = new HeldTask(entry, task, message, starts);
    } catch (error) {
      void this.#park(entry, task, error);
      return;
    }
    if (this.#closing) return void carryOut(held, { kind: 'release' }, this.#tools).catch(this.request.onError);
    this.#held.set(entry.tag, held);
    this.#byId.set(task.id, held);
    this.#remember(held);
    const { eta } = held.message;
    if (eta !== undefined && eta > this.#parts.clock.now() && !this.#parts.isRevoked(task)) this.#etas.add(held, eta);
    else this.#isDue(held);
  }

  #remember(held: HeldTask): void {
    this.#recent.set(held.message.id, held);
    if (this.#recent.size > mostRecent) this.#recent.delete(this.#recent.keys().next().value as string);
  }

  #isDue(held: HeldTask): void {
    if (held.lost) return this.#forget(held, false);
    if (this.#slots - this.#running > 0) this.#run(held);
    else this.#due.push(held);
  }

  #run(held: HeldTask): void {
    this.#running++;
    held.startedAt = this.#parts.clock.now() / 1_000;
    const settlement = this.#parts.isRevoked(held.task)
      ? this.#revoked(held)
      : (runBuiltin(held, this.#tools) ?? this.#deliver(held));
    if (settlement instanceof Promise) void settlement.then((late) => this.#settle(held, late));
    else void this.#settle(held, settlement);
  }

  #revoked({ message, task }: HeldTask): Settlement {
    const record = { id: message.id, task: task.task, state: 'REVOKED', reason: 'revoked', attempts: 0 } as const;
    const { replyTo } = message;
    const whole = { ...record, at: this.#parts.clock.now(), worker: this.request.worker };
    return { kind: 'ack', outcome: { record: whole, ttl: 86_400_000, ...(replyTo ? { replyTo } : {}) } };
  }

  #note(held: HeldTask, settlement: Settlement): void {
    if (settlement.kind === 'release') return;
    const name = held.task.task;
    this.#totals.set(name, (this.#totals.get(name) ?? 0) + 1);
    if ('outcome' in settlement) held.value = settlement.outcome?.record.value;
  }

  /** Tried until it is carried out, or the consumer closes: its message then comes again. Never rejects. */
  async #settle(held: HeldTask, given: Settlement): Promise<void> {
    const settlement = withPlainValue(given);
    this.#running--;
    this.#settling++;
    this.#note(held, settlement);
    this.#next();
    const over = await this.#retryUntilAborted(() => carryOut(held, settlement, this.#tools));
    this.#settling--;
    if (over !== undefined) this.#forget(held, over);
    if (this.#running + this.#settling === 0) this.#idle?.();
    else if (this.#settling === mostSettling) this.#next();
  }

  #retryUntilAborted<T>(work: () => Promise<T>): Promise<T | undefined> {
    const onError = (error: unknown): void => this.request.onError(error as Error);
    return retry(this.#parts.clock, { ...settleRetry, onError }, this.#giveUp.signal, work);
  }

  #forget(held: HeldTask, over: boolean): void {
    this.#held.delete(held.entry.tag);
    if (this.#byId.get(held.message.id) === held) this.#byId.delete(held.message.id);
    held.settled(over);
  }

  #next(): void {
    while (this.#due.length > 0 && this.#slots > this.#running) this.#run(this.#due.shift() as HeldTask);
    this.#reader.wake();
  }

  #lose(tags: readonly string[]): void {
    for (const tag of tags) {
      const held = this.#held.get(tag);
      if (held === undefined) continue;
      held.lose();
      if (this.#etas.remove(held)) this.#forget(held, false);
    }
  }

  /** What is no task is put aside with its reason; where its id can be read, its waiter is told. */
  async #park(entry: RawEntry, task: CeleryTask | undefined, error: unknown): Promise<void> {
    const known = { ...idIn(entry.text), ...(task ? { id: task.id, task: task.task } : {}) };
    const reason = toFailure(
      error instanceof MalformedMessageError ? error : new MalformedMessageError(String(error), { cause: error }),
    );
    this.#settling++;
    await this.#retryUntilAborted(async () => {
      const settlement = await this.request.malformed({ queue: entry.queue, reason, ...known });
      const push = deadLetter(entry, { ...known, reason, at: this.#parts.clock.now() });
      const outcome = 'outcome' in settlement ? settlement.outcome : undefined;
      const records = outcome && isFinal(outcome.record) ? [metaOf(outcome, entry.text)] : [];
      await this.#tools.settler.settle({ pushes: [push], records, tag: entry.tag, ack: true });
      return true;
    });
    this.#settling--;
    if (this.#running + this.#settling === 0) this.#idle?.();
    this.#reader.wake();
  }
}

/** Who asked stands in the entry's text alone: it could not be read as a whole. */
function metaOf({ record, ttl }: OutcomeWrite, text: string): MetaWrite {
  const replyTo = /"reply_to": ?"([^"\\]{1,200})"/.exec(text)?.[1];
  return { id: record.id, text: writeMeta(record), ttl: ttl / 1_000, replyTo };
}

/** The id and name in the text of an entry that cannot be read as a whole. */
function idIn(text: string): { readonly id?: string; readonly task?: string } {
  const id = /"id": ?"([^"\\]{1,200})"/.exec(text)?.[1];
  const task = /"task": ?"([^"\\]{1,500})"/.exec(text)?.[1];
  return { ...(id === undefined ? {} : { id }), ...(task === undefined ? {} : { task }) };
}

/** Celery's meta is a text of its own, made of the value as it was when the attempt ended. */
function withPlainValue(settlement: Settlement): Settlement {
  if (settlement.kind !== 'ack' || settlement.outcome?.valueText === undefined || 'join' in settlement)
    return settlement;
  return { ...settlement, outcome: { ...settlement.outcome, record: plainRecord(settlement.outcome) } };
}
