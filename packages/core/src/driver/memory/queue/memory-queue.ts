import type { Clock, Timer } from '../../../clock.ts';
import { blockedUntil } from '../../broker.ts';
import type { DeadLetter, DeadLetterPage, QueueCounts } from '../../monitor.ts';
import { defaultRetention, type Retention } from '../../retention.ts';
import { EntryList } from './entry-list.ts';
import type { MemoryDelivery } from './memory-delivery.ts';
import type { MemoryEntry } from './memory-entry.ts';
import { TimeHeap } from './time-heap.ts';

/** Whoever takes entries from a queue. */
export interface QueueConsumer {
  /** Takes what it has room for. */
  fill(): void;
}

const priorities = 10;

/** One queue: what waits by priority, what is held back until its time, what runs, and what was parked. */
export class MemoryQueue {
  readonly name: string;
  readonly running: Set<MemoryDelivery> = new Set();
  readonly #clock: Clock;
  readonly #retention: Retention;
  readonly #ready: readonly EntryList[] = emptyLists();
  readonly #delayed = new TimeHeap<MemoryEntry>();
  /** What waits for its turn: promoted, never due. */
  readonly #held = new Set<MemoryEntry>();
  #dead: DeadLetter[] = [];
  #parked = 0;
  #deadBytes = 0;
  readonly #consumers = new Set<QueueConsumer>();
  /** How many taken-out entries still stand where. */
  readonly #removed = { waiting: 0, delayed: 0 };
  #waking = false;
  #paused = false;
  #timer: { readonly at: number; readonly timer: Timer } | undefined;

  constructor(name: string, clock: Clock, retention: Retention = defaultRetention) {
    this.name = name;
    this.#clock = clock;
    this.#retention = retention;
  }

  /** Adds an entry: ready at once, or held back until `at`. */
  add(entry: MemoryEntry, at?: number): void {
    entry.queue = this.name;
    if (at !== undefined && at >= blockedUntil) {
      entry.place = 'delayed';
      this.#held.add(entry);
    } else if (at !== undefined && at > this.#clock.now()) {
      entry.place = 'delayed';
      this.#delayed.push(at, entry);
      this.#arm();
    } else {
      this.#makeReady(entry);
      this.#listOf(entry).push(entry);
      this.wake();
    }
  }

  /** What waits for its turn, by id. */
  held(): readonly MemoryEntry[] {
    return [...this.#held].sort((one, other) => ((one.id ?? '') < (other.id ?? '') ? -1 : 1));
  }

  /** Makes a held entry ready. False for any other. */
  admit(entry: MemoryEntry, first: boolean): boolean {
    if (!this.#held.delete(entry)) return false;
    if (first) this.putBack(entry);
    else this.add(entry);
    return true;
  }

  /** Puts an entry back before all others of its priority: it had its turn already. */
  putBack(entry: MemoryEntry): void {
    this.#makeReady(entry);
    this.#listOf(entry).unshift(entry);
    this.wake();
  }

  /** The next entry to run: the highest priority, then first come first served. */
  take(): MemoryEntry | undefined {
    this.promote();
    return this.#paused ? undefined : this.#takeReady();
  }

  setPaused(paused: boolean): void {
    this.#paused = paused;
    if (!paused) this.wake();
  }

  #takeReady(): MemoryEntry | undefined {
    for (let priority = priorities - 1; priority >= 0; priority -= 1) {
      const entry = this.#shift(this.#ready[priority] as EntryList);
      if (entry) return entry;
    }
    return undefined;
  }

  /** Moves to their lists the delayed entries whose time has come. */
  promote(): void {
    if (this.#delayed.size === 0) return;
    const now = this.#clock.now();
    for (let entry = this.#delayed.popDue(now); entry; entry = this.#delayed.popDue(now)) {
      if (entry.removed) {
        this.#removed.delayed -= 1;
        continue;
      }
      this.#makeReady(entry);
      this.#listOf(entry).push(entry);
    }
  }

  /** Takes out an entry that waits or is held back. */
  remove(entry: MemoryEntry): void {
    if (entry.place === 'running') return;
    if (this.#held.delete(entry)) return;
    entry.removed = true;
    this.#removed[entry.place] += 1;
  }

  attach(consumer: QueueConsumer): void {
    this.#consumers.add(consumer);
    this.#arm();
    this.wake();
  }

  detach(consumer: QueueConsumer): void {
    this.#consumers.delete(consumer);
    if (this.#consumers.size === 0) this.#disarm();
  }

  /** Lets the takers fill themselves, once per turn however often it is called. */
  wake(): void {
    if (this.#waking || this.#consumers.size === 0) return;
    this.#waking = true;
    queueMicrotask(() => {
      this.#waking = false;
      const consumers = [...this.#consumers];
      const first = consumers[0];
      if (first && consumers.length > 1) {
        this.#consumers.delete(first); // the first goes last next time
        this.#consumers.add(first);
      }
      for (const consumer of consumers) consumer.fill();
    });
  }

  /** Takes everything that waits or is held back. */
  drain(): MemoryEntry[] {
    const entries: MemoryEntry[] = [];
    this.promote();
    for (let entry = this.#takeReady(); entry; entry = this.#takeReady()) entries.push(entry);
    for (let entry = this.#delayed.pop(); entry; entry = this.#delayed.pop()) {
      if (!entry.removed) entries.push(entry);
    }
    this.#removed.delayed = 0;
    for (const entry of this.#held) entries.push(entry);
    this.#held.clear();
    this.#disarm();
    return entries;
  }

  park(letter: Omit<DeadLetter, 'key'>): void {
    this.#parked += 1;
    this.#dead.push({ ...letter, key: String(this.#parked) });
    this.#deadBytes += letter.body.length;
    this.trimDeadLetters();
  }

  /** Lets the oldest dead letters go while there are too many, they take too much, or their time is over. */
  trimDeadLetters(): void {
    const { deadLetters, deadLetterBytes, deadLetterExpires } = this.#retention;
    const since = this.#clock.now() - deadLetterExpires;
    for (let [oldest] = this.#dead; oldest; [oldest] = this.#dead) {
      if (this.#dead.length <= deadLetters && this.#deadBytes <= deadLetterBytes && oldest.at > since) return;
      this.#dead.shift();
      this.#deadBytes -= oldest.body.length;
    }
  }

  /** The parked dead letters, newest first unless the page says otherwise. Keys grow with time. */
  deadLetters(limit: number, { after, oldestFirst = false }: DeadLetterPage = {}): readonly DeadLetter[] {
    if (limit < 1) return [];
    const from = after === undefined ? undefined : Number(after);
    if (oldestFirst) return this.#dead.filter(({ key }) => from === undefined || Number(key) > from).slice(0, limit);
    const older = from === undefined ? this.#dead : this.#dead.filter(({ key }) => Number(key) < from);
    return older.slice(-limit).reverse();
  }

  removeDeadLetters(keys: readonly string[]): number {
    const unwanted = new Set(keys);
    const kept = this.#dead.filter(({ key }) => !unwanted.has(key));
    const removed = this.#dead.length - kept.length;
    this.#dead = kept;
    this.#deadBytes = kept.reduce((sum, { body }) => sum + body.length, 0);
    return removed;
  }

  counts(): QueueCounts {
    this.promote();
    return {
      queue: this.name,
      waiting: this.#ready.reduce((sum, list) => sum + list.size, 0) - this.#removed.waiting,
      delayed: this.#delayed.size - this.#removed.delayed + this.#held.size,
      blocked: this.#held.size,
      running: this.running.size,
      dead: this.#dead.length,
      paused: this.#paused,
    };
  }

  /** The bodies of what waits, in the order in which they would be taken. */
  waiting(): readonly string[] {
    this.promote();
    const lists = [...this.#ready].reverse().flatMap((list) => [...list]);
    return lists.filter(({ removed }) => !removed).map(({ body }) => body);
  }

  /** For how long the oldest of what waits has been ready, in milliseconds. */
  oldest(): number | undefined {
    this.promote();
    let since = Number.POSITIVE_INFINITY;
    for (const list of this.#ready) {
      for (const entry of list) if (!entry.removed) since = Math.min(since, entry.readySince ?? since);
    }
    return since === Number.POSITIVE_INFINITY ? undefined : Math.max(0, this.#clock.now() - since);
  }

  #makeReady(entry: MemoryEntry): void {
    entry.place = 'waiting';
    entry.readySince = this.#clock.now();
  }

  #shift(list: EntryList): MemoryEntry | undefined {
    for (let entry = list.shift(); entry; entry = list.shift()) {
      if (!entry.removed) return entry;
      this.#removed.waiting -= 1;
    }
    return undefined;
  }

  #listOf(entry: MemoryEntry): EntryList {
    return this.#ready[entry.priority] as EntryList;
  }

  /** A timer for the next delayed entry, while somebody is there to take it. In the background: takers keep the process. */
  #arm(): void {
    const at = this.#delayed.nextAt;
    if (at === undefined || this.#consumers.size === 0 || (this.#timer && this.#timer.at <= at)) return;
    this.#disarm();
    const onTime = (): void => {
      this.#timer = undefined;
      this.promote();
      this.#arm(); // a timer may fire a little early, and one of months does
      this.wake();
    };
    this.#timer = {
      at,
      timer: this.#clock.after(at - this.#clock.now(), onTime, { background: true, maintenance: false }),
    };
  }

  #disarm(): void {
    this.#timer?.timer.cancel();
    this.#timer = undefined;
  }
}

function emptyLists(): readonly EntryList[] {
  return Array.from({ length: priorities }, () => new EntryList());
}
