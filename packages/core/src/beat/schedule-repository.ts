import type { Lovage } from '../app/app.ts';
import { type AppRuntime, runtimeOf } from '../app/app-runtime.ts';
import type { Subscription } from '../driver/result-backend.ts';
import type { ScheduleEntry, ScheduleStore } from '../driver/schedule-store.ts';
import { NotSupportedError } from '../errors.ts';
import type { JsonValue } from '../message/json.ts';
import type { Schedulable, ScheduleDeclaration } from '../schedules/schedule.ts';
import {
  decidedName,
  type Entry,
  type EntryDefinition,
  readStored,
  type StoredEntry,
  storeName,
  toStored,
} from './entry.ts';
import { slotsOf } from './slots.ts';

/** The entries of one app: what its code declares and what the store keeps, as one list. */
export class ScheduleRepository {
  readonly #app: Lovage;
  readonly #runtime: AppRuntime;
  readonly #setAside = new Set<string>();
  /** As the last load found them, by their name in the store. */
  #storedDefinitions: ReadonlyMap<string, JsonValue> = new Map();

  constructor(app: Lovage) {
    this.#app = app;
    this.#runtime = runtimeOf(app);
  }

  /** Names of stored entries that cannot be read, or whose times cannot be told; the others are fired. */
  get setAside(): readonly string[] {
    return [...this.#setAside].sort();
  }

  /** All entries, by name. Rejects when the store cannot be asked. */
  async load(): Promise<ReadonlyMap<string, Entry>> {
    const { name: app, schedules } = this.#runtime;
    const rows = await (await this.#store()).list();
    const names = new Set(rows.map(({ name }) => name));
    for (const name of this.#setAside) if (!names.has(storeName(app, name))) this.#setAside.delete(name);
    const slots = new Map(rows.map((row) => [row.name, row.lastSlot]));
    const stored = new Map<string, StoredEntry>();
    for (const row of rows) {
      const read = this.#readRow(row);
      if (read) stored.set(read.definition.name, read);
    }
    const dropped = (name: string): number => slots.get(decidedName(app, name)) ?? 0;
    const entries = new Map<string, Entry>();
    for (const [name, entry] of stored) {
      const found = this.#fromStore(entry, dropped(name));
      if (found) entries.set(name, found);
    }
    for (const declared of schedules.list()) {
      entries.set(declared.name, this.#fromCode(declared, stored.get(declared.name), dropped(declared.name)));
    }
    this.#storedDefinitions = new Map(rows.map((row) => [row.name, row.definition]));
    return entries;
  }

  /** One entry, whatever the number of the others; undefined when there is none of this name. */
  async find(name: string): Promise<Entry | undefined> {
    const { name: app, schedules } = this.#runtime;
    const store = await this.#store();
    if (!store.get) return (await this.load()).get(name);
    const [row, dropped] = await store.get([storeName(app, name), decidedName(app, name)]);
    const stored = row && this.#readRow(row);
    const declared = schedules.list().find((one) => one.name === name);
    if (declared) return this.#fromCode(declared, stored, dropped?.lastSlot ?? 0);
    return stored && this.#fromStore(stored, dropped?.lastSlot ?? 0);
  }

  /** Changes when an entry does; undefined where the store cannot say. */
  async version(): Promise<string | undefined> {
    return (await this.#store()).version?.();
  }

  /** Writes what the code declares and the store does not have yet, or has otherwise. */
  async sync(entries: ReadonlyMap<string, Entry>): Promise<void> {
    const store = await this.#store();
    for (const entry of entries.values()) {
      if (entry.definition.source !== 'code' || !entry.known) continue;
      const row = toStored(entry);
      const before = this.#storedDefinitions.get(row.name);
      if (JSON.stringify(before) !== JSON.stringify(row.definition)) await store.save(row);
    }
  }

  async save(entry: Omit<StoredEntry, 'lastSlot'>): Promise<void> {
    await (await this.#store()).save(toStored(entry));
  }

  /** True when there was such an entry. */
  async remove(name: string): Promise<boolean> {
    const { name: app } = this.#runtime;
    const store = await this.#store();
    await store.remove(decidedName(app, name));
    return store.remove(storeName(app, name));
  }

  /** Records a fired slot. False: another beat was quicker, or the entry is gone. */
  async markFired(name: string, slot: number): Promise<boolean> {
    return (await this.#store()).markFired(storeName(this.#runtime.name, name), slot);
  }

  /** Records a slot that was dropped, so that the next leader does not take it for missed. */
  async markDropped(name: string, slot: number): Promise<void> {
    const store = await this.#store();
    const row = decidedName(this.#runtime.name, name);
    if (await store.markFired(row, slot)) return;
    await store.save({ name: row, definition: null, enabled: false, lastSlot: slot });
  }

  /** Tells every beat of this app that an entry has changed. Never rejects: they look by themselves now and then. */
  async notify(name: string): Promise<void> {
    const { bus } = await this.#runtime.stores.open();
    await bus?.publish(this.#topic, name).catch(() => {});
  }

  /** Calls `listener` with the name of an entry that has changed, or without one: any may have. Without a bus, or when it does not answer, never. */
  async listen(listener: (name?: string) => void): Promise<Subscription | undefined> {
    const { bus } = await this.#runtime.stores.open();
    const hear = (name: unknown): void => listener(typeof name === 'string' ? name : undefined);
    return bus?.subscribe(this.#topic, hear).catch(() => undefined);
  }

  get #topic(): string {
    return `schedules.${Buffer.from(this.#runtime.name).toString('base64url')}`;
  }

  #fromStore(stored: StoredEntry, dropped: number): Entry | undefined {
    const { definition } = stored;
    try {
      const slots = slotsOf(definition.when, definition.options);
      slots.next(this.#runtime.clock.now()); // a zone that this Node does not know is found out by the search
      const entry = {
        ...stored,
        name: definition.name,
        slots,
        signature: this.#app.signature(definition.signature as never) as unknown as Schedulable, // checked there
        known: definition.source === 'api',
        decided: Math.max(definition.since, stored.lastSlot ?? 0, dropped),
      };
      this.#setAside.delete(definition.name);
      return entry;
    } catch (error) {
      this.#putAside(definition.name, error);
      return undefined;
    }
  }

  #putAside(name: string, error: unknown): void {
    if (!this.#setAside.has(name))
      this.#runtime.logger.error(`schedule "${name}" cannot be read, and is not fired: remove it, or add it anew`, {
        error,
      });
    this.#setAside.add(name);
  }

  /** Rows of this app that are no entries are set aside by name; those of other apps are none of ours. */
  #readRow(row: ScheduleEntry): StoredEntry | undefined {
    const { name: app } = this.#runtime;
    const read = readStored(row);
    if (read) return read.definition.app === app ? read : undefined;
    const own = storeName(app, '');
    if (row.name.startsWith(own)) this.#putAside(row.name.slice(own.length), new Error('its definition is malformed'));
    return undefined;
  }

  /** The code's word on what and when, the store's on the last slot and the switch. */
  #fromCode(declared: ScheduleDeclaration, stored: StoredEntry | undefined, dropped: number): Entry {
    const { name, when, options, signature } = declared;
    const times = (entry: Pick<EntryDefinition, 'when' | 'options'>): string =>
      JSON.stringify([entry.when, entry.options.start, entry.options.end, entry.options.enabled]);
    const since =
      stored && times(stored.definition) === times(declared) ? stored.definition.since : this.#runtime.clock.now();
    const json = signature.toJSON() as EntryDefinition['signature'];
    return {
      name,
      definition: { v: 1, app: this.#runtime.name, name, source: 'code', since, when, options, signature: json },
      enabled: stored?.enabled ?? true,
      lastSlot: stored?.lastSlot,
      slots: slotsOf(when, options),
      signature,
      known: true,
      decided: Math.max(since, stored?.lastSlot ?? 0, dropped),
    };
  }

  async #store(): Promise<ScheduleStore> {
    const { stores } = this.#runtime;
    const { schedules } = stores.current ?? (await stores.open());
    if (schedules) return schedules;
    throw new NotSupportedError(`${stores.display} keeps no schedules: beat needs a broker that does`);
  }
}
