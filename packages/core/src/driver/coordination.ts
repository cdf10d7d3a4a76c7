import { type Clock, sleep } from '../clock.ts';
import type { Connection } from './driver.ts';
import type { LeaseStore } from './lease-store.ts';
import { MemoryLeaseTable } from './memory/coordination/memory-leases.ts';
import { MemoryLimiter } from './memory/coordination/memory-limiter.ts';
import { MemoryRevocationTable } from './memory/coordination/memory-revocations.ts';
import { MemoryScheduleTable } from './memory/coordination/memory-schedules.ts';
import { MemorySemaphore } from './memory/coordination/memory-semaphore.ts';
import { MemoryNamespaces } from './memory/coordination/memory-shared-registry.ts';
import { MemoryUniqueKeyTable } from './memory/coordination/memory-unique-keys.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { RevocationStore } from './revocation-store.ts';
import type { ScheduleStore } from './schedule-store.ts';
import type { Semaphore } from './semaphore.ts';
import type { SharedRegistry } from './shared-registry.ts';
import type { UniqueKeyStore } from './unique-key-store.ts';

/**
 * The little that a store must be able to do for locks, unique keys, schedules, registries, revocations, rate limits and semaphores:
 * small documents that are written only where nobody else was faster. {@link coordinate} makes all of those of it.
 */
export interface Coordination {
  /** A document; undefined where there is none. `version` changes with every write, and never comes back. */
  read(key: string): Promise<StoredDocument | undefined>;
  /**
   * Writes a document whose version is still this one; undefined: that is not there. False when another write was faster. A write
   * is seen by every later read, from any process.
   */
  compareAndSet(key: string, version: string | undefined, text: string): Promise<boolean>;
}

/** A document as it is stored. */
export type StoredDocument = { readonly text: string; readonly version: string };

/** What {@link coordinate} makes: these parts of a connection. */
export type Coordinated = Required<
  Pick<Connection, 'leases' | 'uniqueKeys' | 'schedules' | 'sharedRegistry' | 'limits' | 'revocations' | 'semaphore'>
>;

/** The longest pause before a change that was overtaken is tried again, in milliseconds; drawn at random. */
const longestPause = 20;

/**
 * Makes the parts of a connection over its {@link Coordination}. Each is one document (rate limits: one a task), read and written for
 * every question: right, and slow with many entries. A driver puts its own part in the place of one that it can do better.
 */
export function coordinate(coordination: Coordination, clock: Clock): Coordinated {
  const open = <Table extends Stateful>(key: string, make: (state?: Table['state']) => Table): Document<Table> =>
    new Document(coordination, clock, key, make);
  return {
    leases: leasesOver(open<MemoryLeaseTable>('leases', (state) => new MemoryLeaseTable(clock, state))),
    uniqueKeys: uniqueKeysOver(
      open<MemoryUniqueKeyTable>('unique-keys', (state) => new MemoryUniqueKeyTable(clock, state)),
    ),
    schedules: schedulesOver(open<MemoryScheduleTable>('schedules', (state) => new MemoryScheduleTable(state))),
    sharedRegistry: registryOver(open<MemoryNamespaces>('registry', (state) => new MemoryNamespaces(clock, state))),
    limits: limitsOver((task) => open<MemoryLimiter>(`limits:${task}`, (state) => new MemoryLimiter(clock, state))),
    revocations: revocationsOver(
      open<MemoryRevocationTable>('revocations', (state) => new MemoryRevocationTable(clock, state)),
    ),
    semaphore: semaphoreOver(open<MemorySemaphore>('semaphore', (state) => new MemorySemaphore(clock, state))),
  };
}

type Stateful = { readonly state: unknown };

/** A table that is kept as one document. */
class Document<Table extends Stateful> {
  readonly #coordination: Coordination;
  readonly #clock: Clock;
  readonly #key: string;
  readonly #make: (state?: Table['state']) => Table;

  constructor(coordination: Coordination, clock: Clock, key: string, make: (state?: Table['state']) => Table) {
    this.#coordination = coordination;
    this.#clock = clock;
    this.#key = key;
    this.#make = make;
  }

  /** Does this to the table as it is, and writes what became of it; again from the start where another write was faster. */
  async change<T>(work: (table: Table) => T | Promise<T>): Promise<T> {
    for (;;) {
      const stored = await this.#coordination.read(this.#key);
      const table = this.#make(stored && decodeState<Table['state']>(stored.text));
      const answer = await work(table);
      const text = encodeState(table.state);
      if (text === stored?.text || (await this.#coordination.compareAndSet(this.#key, stored?.version, text)))
        return answer;
      await sleep(this.#clock, Math.random() * longestPause);
    }
  }
}

function leasesOver(document: Document<MemoryLeaseTable>): LeaseStore {
  return {
    acquire: (name, owner, ttl) => document.change((table) => table.acquire(name, owner, ttl)),
    renew: (name, owner, ttl) => document.change((table) => table.renew(name, owner, ttl)),
    release: (name, owner) => document.change((table) => table.release(name, owner)),
  };
}

function uniqueKeysOver(document: Document<MemoryUniqueKeyTable>): UniqueKeyStore {
  return {
    acquire: (name, request) => document.change((table) => table.take(name, request)),
    confirm: (name, id) => document.change((table) => table.confirm(name, id)),
    release: (name, id) => document.change((table) => table.release(name, id)),
  };
}

function schedulesOver(document: Document<MemoryScheduleTable>): ScheduleStore {
  return {
    list: () => document.change((table) => table.list()),
    get: (names) => document.change((table) => table.get(names)),
    version: () => document.change((table) => String(table.version)),
    save: (entry) => document.change((table) => table.save(entry)),
    markFired: (name, slot) => document.change((table) => table.markFired(name, slot)),
    remove: (name) => document.change((table) => table.remove(name)),
  };
}

function registryOver(document: Document<MemoryNamespaces>): SharedRegistry {
  return {
    put: (namespace, name, value, ttl) => {
      const entry = { text: JSON.stringify(value), ttl };
      return document.change((table) => table.put(namespace, name, entry));
    },
    list: (namespace) => document.change((table) => table.list(namespace)),
    remove: (namespace, names) => document.change((table) => table.remove(namespace, names)),
  };
}

function limitsOver(lineOf: (task: string) => Document<MemoryLimiter>): RateLimiter {
  return {
    enter: (task, request) => lineOf(task).change((table) => table.enter(task, request)),
    wake: (task, request) => lineOf(task).change((table) => table.wake(task, request)),
    first: (task, limit) => lineOf(task).change((table) => table.first(task, limit)),
    drop: (task, interval, entries) => lineOf(task).change((table) => table.drop(task, interval, entries)),
  };
}

function revocationsOver(document: Document<MemoryRevocationTable>): RevocationStore {
  return {
    add: (rules) => document.change((table) => table.add(rules)),
    read: (version) =>
      document.change((table) =>
        table.version === version ? { version } : { version: table.version, rules: table.rules },
      ),
    remove: (rules) => document.change((table) => table.remove(rules)),
  };
}

function semaphoreOver(document: Document<MemorySemaphore>): Semaphore {
  return {
    acquire: (entries) => document.change((table) => table.acquire(entries)),
    release: (places, only) => document.change((table) => table.release(places, only)),
    halt: (place) => document.change((table) => table.halt(place)),
    halted: () => document.change((table) => table.halted()),
    has: (places) => document.change((table) => table.has(places)),
    waitingList: (group, limit) => document.change((table) => table.waitingList(group, limit)),
    overdue: (look) => document.change((table) => table.overdue(look)),
  };
}

/** State as text. What users wrote is in it as text already, so that no name of theirs is taken for a mark. */
function encodeState(state: unknown): string {
  return JSON.stringify(state, (_key, value: unknown) => {
    if (value instanceof Map) return { map: [...value] };
    return value instanceof Set ? { set: [...value] } : value;
  });
}

function decodeState<State>(text: string): State {
  return JSON.parse(text, (_key, value) => {
    if (Array.isArray(value?.map)) return new Map(value.map);
    return Array.isArray(value?.set) ? new Set(value.set) : value;
  });
}
