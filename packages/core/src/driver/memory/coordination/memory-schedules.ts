import type { ScheduleEntry, ScheduleStore } from '../../schedule-store.ts';

/** The periodic entries of one store, as JSON text. */
export class MemoryScheduleTable {
  readonly #entries = new Map<string, string>();
  version = 0;

  list(): readonly ScheduleEntry[] {
    return [...this.#entries.values()].map((text) => JSON.parse(text));
  }

  get(names: readonly string[]): readonly (ScheduleEntry | undefined)[] {
    return names.map((name) => this.#read(name));
  }

  save(entry: ScheduleEntry): void {
    const { name, definition, enabled } = entry;
    if (definition !== null) this.version += 1;
    const known = this.#read(name);
    const lastSlot = known ? known.lastSlot : entry.lastSlot;
    this.#write({ name, definition, enabled, ...(lastSlot === undefined ? {} : { lastSlot }) });
  }

  markFired(name: string, slot: number): boolean {
    const known = this.#read(name);
    if (!known || (known.lastSlot !== undefined && known.lastSlot >= slot)) return false;
    this.#write({ ...known, lastSlot: slot });
    return true;
  }

  remove(name: string): boolean {
    this.version += 1;
    return this.#entries.delete(name);
  }

  #read(name: string): ScheduleEntry | undefined {
    const text = this.#entries.get(name);
    return text === undefined ? undefined : JSON.parse(text);
  }

  #write(entry: ScheduleEntry): void {
    this.#entries.set(entry.name, JSON.stringify(entry));
  }
}

/** The periodic entries, as one connection sees them. */
export function createMemorySchedules(table: MemoryScheduleTable, assertOpen: () => void): ScheduleStore {
  return {
    list: async () => {
      assertOpen();
      return table.list();
    },
    get: async (names) => {
      assertOpen();
      return table.get(names);
    },
    version: async () => {
      assertOpen();
      return String(table.version);
    },
    save: async (entry) => {
      assertOpen();
      table.save(entry);
    },
    markFired: async (name, slot) => {
      assertOpen();
      return table.markFired(name, slot);
    },
    remove: async (name) => {
      assertOpen();
      return table.remove(name);
    },
  };
}
