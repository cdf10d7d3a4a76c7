import { randomBytes } from 'node:crypto';
import { type Clock, type Timer, withDeadline } from '../clock.ts';
import type { Monitor } from '../driver/monitor.ts';
import type { ResultBackend, Subscription } from '../driver/result-backend.ts';
import { ClosedError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { isFinal, type OutcomeRecord } from '../message/outcome.ts';
import { timeOfTaskId } from '../message/task-id.ts';

/** What the inbox needs of the app's stores. */
export interface ResultStores {
  readonly results: ResultBackend;
  readonly monitor?: Monitor | undefined;
}

/** Told of one task's records; `missing` says that neither broker nor store has the task (any more). */
export interface ResultListener {
  onRecord(record: OutcomeRecord): void;
  onMissing?(): void;
  /** The inbox was closed: nothing more will be told. */
  onClosed?(): void;
}

/** What is known of a task whose result is awaited. */
export interface Watched {
  readonly id: string;
  /** Rings for this task come to this inbox; others are found by asking the store. */
  readonly notifiesThisProcess: boolean;
  /** The queue, where known: narrows the search for a missing task. */
  readonly queue?: string;
  /** The inbox listened before the task was sent: its ring cannot have been missed. */
  readonly subscribedBeforePublish?: boolean;
  /** It is not started after its deadline, and told to stop then. */
  readonly hasDeadline?: boolean;
}

interface Entry {
  readonly task: Watched;
  /** Nearly every task has one listener: no list is made for it. */
  listener: ResultListener | undefined;
  more: ResultListener[] | undefined;
  /** This moment and the next one count from the inbox's own beginning: as small integers they take no object each. */
  nextCheck: number;
  interval: number;
  /** How many checks in a row found the task nowhere. */
  absences: number;
  /** undefined: when the task was made is not known. A task younger than the grace cannot be missing. */
  nextLocate: number | undefined;
}

/** How often a task is asked for when its ring should have come: the price of a lost ring. */
const sweepInterval = 2_000;
/** So many rings for tasks that nobody awaits yet are kept. */
const maxEarlyNotifications = 10_000;
/** The address that every process listens at, for outcomes whose asker nobody knows (a revoke). */
export const broadcastInbox = 'everyone';
/** First and longest interval for tasks that ring elsewhere. */
const foreignInterval = { first: 25, longest: 1_000 };
/** A task that old and found neither in the broker nor in the store is gone. */
const missingGrace = 5_000;
const chunkSize = 500;
const storeDeadline = 5_000;

/**
 * One subscription per process and a map of waiters. The ring is a doorbell that carries the record when it is small;
 * the stored record is the truth: read once when the wait begins (unless the inbox listened before the task was sent), and
 * swept every two seconds, so that a lost ring costs at most that.
 */
export class ResultInbox {
  /** Where this process's rings go: `replyTo` of its messages, so each waiting task holds it: as short as chance allows (96 bits). */
  readonly address: string = randomBytes(12).toString('base64url');
  readonly #entries = new Map<string, Entry>();
  readonly #stores: () => Promise<ResultStores>;
  readonly #clock: Clock;
  readonly #begun: number;
  readonly #logger: Logger;
  #subscription: Promise<Subscription | undefined> | undefined;
  #sweep: Timer | undefined;
  #sweepAt = 0;
  #fresh: Entry[] = [];
  /** Rings that came before anybody waited: the record where it is small, else undefined (it is read when it is asked for). */
  readonly #earlyNotifications = new Map<string, OutcomeRecord | undefined>();
  #earlyDropped = false;
  #listening = false;
  #closed = false;
  /** The last trouble with the store, until it answers again. */
  lastError: Error | undefined;

  constructor(stores: () => Promise<ResultStores>, clock: Clock, logger: Logger) {
    this.#stores = stores;
    this.#clock = clock;
    this.#begun = clock.now();
    this.#logger = logger;
  }

  /** Whether rings arrive now. */
  get listening(): boolean {
    return this.#listening;
  }

  /** True when rings arrive: a task published afterwards needs no first look into the store. Never rejects. */
  async ready(): Promise<boolean> {
    if (this.#closed) return false;
    this.#subscription ??= this.#subscribe();
    return (await this.#subscription) !== undefined;
  }

  /** Tells `listener` of every record of a task, until its final one or {@link ResultInbox.unwatch}. */
  watch(task: Watched, listener: ResultListener): void {
    if (this.#closed) throw new ClosedError('the app');
    const known = this.#entries.get(task.id);
    if (known) {
      if (known.listener) known.more = [...(known.more ?? []), listener];
      else known.listener = listener;
      return;
    }
    const entry = this.#enter(task, listener);
    if (entry && this.#sweep && entry.nextCheck < this.#sweepAt) this.#stopSweep(); // one that rings elsewhere is due sooner
    this.#schedule();
  }

  /** Ends a watch; harmless when it has ended. */
  unwatch(id: string, listener: ResultListener): void {
    const entry = this.#entries.get(id);
    if (entry?.listener === listener) entry.listener = entry.more?.shift();
    else if (entry?.more) entry.more = entry.more.filter((other) => other !== listener);
    if (entry && !entry.listener) this.#entries.delete(id);
    if (this.#entries.size === 0) this.#stopSweep();
  }

  /** Drops a ring that came when nobody waited: the id may be run anew. */
  forget(id: string): void {
    this.#earlyNotifications.delete(id);
  }

  /** Ends every wait, as `close`, and listens anew in another store with the next one; for tests. */
  async reset(): Promise<void> {
    await this.close();
    this.#subscription = undefined;
    this.#earlyDropped = false;
    this.#closed = false;
  }

  /** A subscription that has not come about yet is not waited for: the store may be dead, and ends it with its connection. */
  async close(): Promise<void> {
    const subscribed = this.#listening;
    this.#closed = true;
    this.#listening = false;
    this.#earlyNotifications.clear();
    this.#stopSweep();
    const open = [...this.#entries.values()].flatMap(({ listener, more = [] }) =>
      listener ? [listener, ...more] : [],
    );
    this.#entries.clear();
    for (const listener of open) listener.onClosed?.();
    const subscription = subscribed ? await this.#subscription : undefined; // never rejects
    await subscription?.close().catch((error: unknown) => this.#logger.debug('inbox close failed', { error }));
  }

  /** Undefined where its ring has come. */
  #enter(task: Watched, listener: ResultListener): Entry | undefined {
    const early = this.#earlyNotifications.get(task.id);
    const cameEarly = early !== undefined || this.#earlyNotifications.has(task.id);
    if (cameEarly) this.#earlyNotifications.delete(task.id);
    if (early) {
      listener.onRecord(early); // the ring came before the wait
      return undefined;
    }
    const interval = task.notifiesThisProcess ? sweepInterval : foreignInterval.first;
    const now = this.#now();
    const made = task.notifiesThisProcess ? undefined : timeOfTaskId(task.id);
    const known = task.notifiesThisProcess || made !== undefined;
    const entry: Entry = {
      task,
      listener,
      more: undefined,
      nextCheck: now + interval,
      interval,
      absences: 0,
      nextLocate: known ? Math.max(now, (made === undefined ? now : made - this.#begun) + missingGrace) : undefined,
    };
    this.#entries.set(task.id, entry);
    if (cameEarly || !task.subscribedBeforePublish || this.#earlyDropped) this.#lookUp(entry);
    return entry;
  }

  /** Entries of one turn of the event loop are looked up together. */
  #lookUp(entry: Entry): void {
    this.#fresh.push(entry);
    if (this.#fresh.length > 1) return;
    setImmediate(() => {
      const fresh = this.#fresh;
      this.#fresh = [];
      this.ready()
        .then(() => this.#check(fresh))
        .catch((error: unknown) => this.#complain(error));
    });
  }

  async #subscribe(): Promise<Subscription | undefined> {
    let opening: readonly Promise<Subscription>[] = [];
    try {
      const { results } = await this.#stores();
      const wants = (id: string): boolean => this.#entries.has(id);
      const watch = (address: string): Promise<Subscription> =>
        results.watch(address, ({ id, record }) => this.#notified(id, record), wants);
      opening = [watch(this.address), watch(broadcastInbox)];
      const both = await withDeadline(
        this.#clock,
        storeDeadline,
        Promise.all(opening),
        () => new Error('the result store did not confirm the subscription'),
      );
      this.#listening = !this.#closed;
      return { close: async () => void (await Promise.all(both.map((subscription) => subscription.close()))) };
    } catch (error) {
      for (const late of opening) late.then((subscription) => subscription.close()).catch(() => {}); // it would ring twice
      this.#complain(error);
      this.#subscription = undefined; // the next wait tries again; until then the sweep serves
      return undefined;
    }
  }

  #notified(id: string, record: OutcomeRecord | undefined): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) this.#keepEarlyNotification(id, record);
    else if (record) this.#tell(entry, record);
    else this.#lookUp(entry);
  }

  #keepEarlyNotification(id: string, record: OutcomeRecord | undefined): void {
    if (record && !isFinal(record)) return;
    this.#earlyNotifications.set(id, record && isSmall(record) ? record : undefined);
    if (this.#earlyNotifications.size <= maxEarlyNotifications) return;
    this.#earlyNotifications.delete(this.#earlyNotifications.keys().next().value as string);
    this.#earlyDropped = true;
  }

  #tell(entry: Entry, record: OutcomeRecord): void {
    entry.absences = 0;
    if (isFinal(record)) {
      this.#entries.delete(entry.task.id);
      if (this.#entries.size === 0) this.#stopSweep();
    }
    const { listener, more } = entry;
    listener?.onRecord(record);
    if (more) for (const other of [...more]) other.onRecord(record);
  }

  #schedule(): void {
    if (this.#sweep || this.#entries.size === 0) return;
    let soonest = Number.POSITIVE_INFINITY;
    for (const entry of this.#entries.values()) soonest = Math.min(soonest, entry.nextCheck);
    this.#sweepAt = soonest;
    this.#sweep = this.#clock.after(
      Math.max(10, soonest - this.#now()),
      () => {
        this.#sweep = undefined;
        const now = this.#now();
        const due = [...this.#entries.values()].filter((entry) => entry.nextCheck <= now);
        this.#check(due)
          .catch((error: unknown) => this.#complain(error))
          .finally(() => this.#schedule());
      },
      { maintenance: true },
    );
  }

  #stopSweep(): void {
    this.#sweep?.cancel();
    this.#sweep = undefined;
  }

  async #check(entries: readonly Entry[]): Promise<void> {
    const now = this.#now();
    for (const entry of entries) {
      entry.interval = Math.min(entry.interval * (entry.task.notifiesThisProcess ? 1 : 1.6), foreignInterval.longest);
      entry.nextCheck = now + entry.interval;
    }
    for (let start = 0; start < entries.length && !this.#closed; start += chunkSize) {
      await this.#checkChunk(entries.slice(start, start + chunkSize));
    }
  }

  async #checkChunk(entries: readonly Entry[]): Promise<void> {
    const stores = await this.#stores();
    const read = (ids: readonly string[]) =>
      withDeadline(
        this.#clock,
        storeDeadline,
        stores.results.get(ids),
        () => new Error('the result store did not answer'),
      );
    const records = await read(entries.map(({ task }) => task.id));
    this.lastError = undefined;
    const absent: Entry[] = [];
    entries.forEach((entry, index) => {
      const record = records[index];
      if (record) this.#tell(entry, record);
      else absent.push(entry);
    });
    await this.#findMissing(stores, absent);
  }

  /** A task that both the broker and the store lack, at two looks, is missing: it expired, was forgotten, or was lost. */
  async #findMissing({ monitor }: ResultStores, absent: readonly Entry[]): Promise<void> {
    const now = this.#now();
    const due = absent.filter(
      ({ nextLocate, task }) => nextLocate !== undefined && nextLocate <= now && this.#entries.has(task.id),
    );
    if (monitor === undefined || due.length === 0) return;
    const queues = due.every(({ task }) => task.queue)
      ? [...new Set(due.map(({ task }) => task.queue as string))]
      : undefined;
    const places = await monitor.locate(
      due.map(({ task }) => task.id),
      queues,
    );
    due.forEach((entry, index) => {
      entry.nextLocate = now + (places[index] ? missingGrace : sweepInterval);
      entry.absences = places[index] ? 0 : entry.absences + 1;
      if (entry.absences < 2) return;
      this.#entries.delete(entry.task.id);
      for (const listener of [entry.listener, ...(entry.more ?? [])]) listener?.onMissing?.();
    });
  }

  /** Milliseconds since the inbox was made. */
  #now(): number {
    return this.#clock.now() - this.#begun;
  }

  #complain(error: unknown): void {
    if (this.#closed) return;
    const problem = error instanceof Error ? error : new Error(String(error));
    if (!this.lastError) this.#logger.warn('cannot read results, trying again', { error: problem });
    this.lastError = problem;
  }
}

/** Small enough to be kept by the ten thousand. */
function isSmall({ value, failure }: OutcomeRecord): boolean {
  if (failure !== undefined) return false;
  return typeof value === 'string' ? value.length <= 256 : typeof value !== 'object' || value === null;
}
