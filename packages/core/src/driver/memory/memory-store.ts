import type { Clock } from '../../clock.ts';
import type { HistoryLimits } from '../../history/history-store.ts';
import type { Failure } from '../../message/failure.ts';
import type { Message } from '../../message/message.ts';
import { type BlockedMessage, type Settlement, visibleAt } from '../broker.ts';
import { defaultRetention, type Retention } from '../retention.ts';
import { MemoryLeaseTable } from './coordination/memory-leases.ts';
import { MemoryLimiter } from './coordination/memory-limiter.ts';
import { MemoryRevocationTable } from './coordination/memory-revocations.ts';
import { MemoryScheduleTable } from './coordination/memory-schedules.ts';
import { MemorySemaphore } from './coordination/memory-semaphore.ts';
import { MemoryNamespaces } from './coordination/memory-shared-registry.ts';
import { MemoryUniqueKeyTable } from './coordination/memory-unique-keys.ts';
import { MemoryHistory } from './memory-history.ts';
import { MemoryTopics } from './memory-topics.ts';
import { MemoryWorkflows } from './memory-workflows.ts';
import { MemoryDelivery } from './queue/memory-delivery.ts';
import { type MemoryEntry, partsOf, priorityOf } from './queue/memory-entry.ts';
import { MemoryQueue } from './queue/memory-queue.ts';
import { MemoryRecords } from './results/memory-records.ts';

/** Whoever holds leases. */
export interface LeaseHolder {
  /** Renews the leases of the deliveries under way. */
  renew(): void;
}

/** What a Redis would be: the state that connections of one name share. */
export class MemoryStore {
  readonly clock: Clock;
  readonly queues: Map<string, MemoryQueue> = new Map();
  readonly records: MemoryRecords;
  readonly topics: MemoryTopics = new MemoryTopics();
  readonly leases: MemoryLeaseTable;
  readonly uniqueKeys: MemoryUniqueKeyTable;
  readonly limiter: MemoryLimiter;
  readonly namespaces: MemoryNamespaces;
  readonly revocations: MemoryRevocationTable;
  readonly semaphore: MemorySemaphore;
  readonly workflows: MemoryWorkflows;
  readonly schedules: MemoryScheduleTable = new MemoryScheduleTable();
  readonly history: MemoryHistory;
  readonly holders: Set<LeaseHolder> = new Set();
  readonly #retention: Retention;
  readonly #known = new Map<string, MemoryEntry>();

  constructor(clock: Clock, retention: Retention = defaultRetention, history?: HistoryLimits) {
    this.clock = clock;
    this.#retention = retention;
    this.records = new MemoryRecords(clock, retention);
    this.limiter = new MemoryLimiter(clock);
    this.namespaces = new MemoryNamespaces(clock);
    this.revocations = new MemoryRevocationTable(clock);
    this.uniqueKeys = new MemoryUniqueKeyTable(clock);
    this.semaphore = new MemorySemaphore(clock);
    this.workflows = new MemoryWorkflows(clock, retention);
    this.history = new MemoryHistory(clock, history);
    this.leases = new MemoryLeaseTable(clock);
  }

  /** Lets go what is over and too old or too much. */
  sweep(): void {
    this.records.sweep();
    this.workflows.sweep();
    this.history.sweep();
    for (const queue of this.queues.values()) queue.trimDeadLetters();
  }

  queue(name: string): MemoryQueue {
    const found = this.queues.get(name);
    if (found) return found;
    const queue = new MemoryQueue(name, this.clock, this.#retention);
    this.queues.set(name, queue);
    return queue;
  }

  /** Where this id stands, while the broker knows it. */
  find(id: string): MemoryEntry | undefined {
    const entry = this.#known.get(id);
    if (entry?.place === 'delayed') this.queue(entry.queue).promote();
    return entry;
  }

  /** The bodies of what waits or is held back in a queue. */
  undelivered(queue: string): readonly string[] {
    const bodies: string[] = [];
    for (const entry of this.#known.values()) {
      if (entry.queue === queue && entry.place !== 'running') bodies.push(entry.body);
    }
    return bodies;
  }

  /** Adds a message unless its id is known. */
  add(message: Message, body: string): void {
    if (!this.#known.has(message.id)) this.#insert({ ...message, body }, visibleAt(message));
  }

  /** Puts bytes into a queue as they are, whatever they say. */
  addRaw(queue: string, body: string): void {
    const { id } = partsOf(body);
    const priority = priorityOf(body);
    this.#insert({ id: id !== undefined && this.#known.has(id) ? undefined : id, body, queue, priority });
  }

  /** Forgets what waits or is held back in a queue; returns the ids. */
  purge(name: string): readonly string[] {
    const ids = (this.queues.get(name)?.drain() ?? []).flatMap((entry) => entry.id ?? []);
    for (const id of ids) this.#known.delete(id);
    return ids;
  }

  /** Forgets a queue and everything in it. */
  drop(name: string): void {
    for (const [id, entry] of this.#known) if (entry.queue === name) this.#known.delete(id);
    this.queues.delete(name);
  }

  /** Takes a message out where it waits or is held back. False for one that runs, or that nobody knows. */
  remove(id: string, queues: ReadonlySet<string> | undefined): boolean {
    const entry = this.find(id);
    if (!entry || entry.place === 'running' || (queues && !queues.has(entry.queue))) return false;
    this.queue(entry.queue).remove(entry);
    this.#known.delete(id);
    return true;
  }

  /** Makes a held message ready. False for any other. */
  promote({ queue, id, first, timed }: BlockedMessage): boolean {
    const entry = this.#known.get(id);
    if (entry?.place !== 'delayed' || entry.queue !== queue) return false;
    return this.queue(queue).admit(entry, first === true) || (timed === true && this.#promoteTimed(entry, id));
  }

  /** A copy takes the place of the one that stands among those that wait for a time, since that list is not searched. */
  #promoteTimed(entry: MemoryEntry, id: string): boolean {
    const queue = this.queue(entry.queue);
    const ready = { ...entry };
    queue.remove(entry);
    this.#known.set(id, ready);
    queue.add(ready);
    return true;
  }

  /** Hands over the next entry of a queue, under a lease. */
  take(queue: MemoryQueue, leaseDuration: number): MemoryDelivery | undefined {
    const entry = queue.take();
    if (!entry) return undefined;
    entry.place = 'running';
    const delivery = new MemoryDelivery(entry, this.clock.now() + leaseDuration);
    queue.running.add(delivery);
    return delivery;
  }

  /** Does what a settlement says, all in one step; nothing when the delivery's lease is lost. */
  settle(delivery: MemoryDelivery, settlement: Settlement): void {
    if (!delivery.held) return;
    this.#carryOut(delivery, settlement);
    delivery.settled(settlement.kind === 'ack' || settlement.kind === 'deadLetter');
  }

  #carryOut(delivery: MemoryDelivery, settlement: Settlement): void {
    switch (settlement.kind) {
      case 'ack':
        if (settlement.outcome) this.records.put([settlement.outcome]);
        return this.#finish(delivery);
      case 'retryAt':
        return this.#replace(delivery, settlement.message, settlement.at);
      case 'release':
        return this.release(delivery, settlement.at);
      case 'deadLetter':
        if (settlement.outcome) this.records.put([settlement.outcome]);
        this.#park(delivery, settlement.reason);
        return this.#finish(delivery);
      default:
        throw new Error(`unknown settlement ${JSON.stringify(settlement satisfies never)}`);
    }
  }

  /** Hands an entry back unspent: at once, before the others, or at its time. */
  release(delivery: MemoryDelivery, at?: number): void {
    const queue = this.#stopRunning(delivery);
    delivery.entry.returned = true;
    if (at !== undefined && at > this.clock.now()) queue.add(delivery.entry, at);
    else queue.putBack(delivery.entry);
  }

  /** Gives the entries of these queues whose leases ran out to whoever takes next. */
  sweepOrphans(queues: Iterable<MemoryQueue>): void {
    // Holders renew first: they share one event loop with this store, and a loop that was blocked is no dead worker.
    for (const holder of this.holders) holder.renew();
    const now = this.clock.now();
    for (const queue of queues) {
      for (const delivery of queue.running) if (delivery.hasExpired(now)) this.#redeliver(delivery);
    }
  }

  /** For tests: drops the lease of the running message `id`, as if its worker had died. False when it is not running. */
  expireLease(id: string): boolean {
    const entry = this.#known.get(id);
    for (const delivery of (entry && this.queues.get(entry.queue)?.running) ?? []) {
      if (delivery.entry !== entry) continue;
      delivery.forfeit();
      return true;
    }
    return false;
  }

  #redeliver(delivery: MemoryDelivery): void {
    delivery.entry.losses += 1;
    this.#stopRunning(delivery).putBack(delivery.entry);
    delivery.lose();
  }

  #insert(parts: Pick<MemoryEntry, 'id' | 'body' | 'queue' | 'priority'>, at?: number): void {
    const { id, body, queue, priority } = parts;
    const entry: MemoryEntry = { id, body, queue, priority, losses: 0, place: 'waiting', next: undefined };
    if (id !== undefined) this.#known.set(id, entry);
    this.queue(queue).add(entry, at);
  }

  #finish(delivery: MemoryDelivery): void {
    this.#stopRunning(delivery);
    if (delivery.entry.id !== undefined) this.#known.delete(delivery.entry.id);
  }

  #replace(delivery: MemoryDelivery, message: Message, at: number): void {
    const body = JSON.stringify(message);
    const { entry } = delivery;
    this.#stopRunning(delivery);
    entry.body = body;
    entry.priority = message.priority;
    this.queue(message.queue).add(entry, at);
  }

  #park({ entry, queue }: MemoryDelivery, reason: Failure): void {
    const { id = 'unreadable', task } = partsOf(entry.body);
    const at = this.clock.now();
    const { name, message } = reason;
    const letter = { id, queue, at, reason: { name, message }, body: entry.body };
    this.queue(queue).park(task === undefined ? letter : { ...letter, task });
  }

  #stopRunning(delivery: MemoryDelivery): MemoryQueue {
    const queue = this.queue(delivery.queue);
    queue.running.delete(delivery);
    return queue;
  }
}
