import type { ScheduleEntry, ScheduleStore } from '../../schedule-store.ts';

/** Entries as JSON text, by name. */
export interface ScheduleState {
  readonly entries: Map<string, string>;
  version: number;
}

/** The periodic entries of one store. */
export class MemoryScheduleTable {
  readonly state: ScheduleState;

  constructor(state: ScheduleState = { entries: new Map(), version: 0 }) {
    this.state = state;
  }

  get version(): number {
    return this.state.version;
  }

  list(): readonly ScheduleEntry[] {
    return [...this.state.entries.values()].map((text) => JSON.parse(text));
  }

  get(names: readonly string[]): readonly (ScheduleEntry | undefined)[] {
    return names.map((name) => this.#read(name));
  }

  save(entry: ScheduleEntry): void {
    const { name, definition, enabled } = entry;
    if (definition !== null) this.state.version += 1;
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
    this.state.version += 1;
    return this.state.entries.delete(name);
  }

  #read(name: string): ScheduleEntry | undefined {
    const text = this.state.entries.get(name);
    return text === undefined ? undefined : JSON.parse(text);
  }

  #write(entry: ScheduleEntry): void {
    this.state.entries.set(entry.name, JSON.stringify(entry));
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
