import type { JsonValue, ScheduleEntry, ScheduleStore } from '@lovage/core/driver';
import type { Keys } from '../keys.ts';
import { scriptsOf } from '../scripts/scripts.ts';
import type { StoreLink } from '../store-link.ts';

/** Periodic entries in two hashes: what they are, and the last slot each fired. */
export class RedisScheduleStore implements ScheduleStore {
  readonly #link: StoreLink;
  readonly #keys: [definitions: string, slots: string];

  constructor(link: StoreLink, keys: Keys) {
    this.#link = link;
    this.#keys = [keys.schedules, keys.scheduleSlots];
  }

  async list(): Promise<readonly ScheduleEntry[]> {
    const [definitions, slots] = await this.#link.run((client) =>
      Promise.all(this.#keys.map((key) => client.hgetall(key))),
    );
    return Object.entries(definitions ?? {}).flatMap(([name, text]) => parseEntry(name, text, slots?.[name]) ?? []);
  }

  async save(entry: ScheduleEntry): Promise<void> {
    const text = JSON.stringify({ definition: entry.definition, enabled: entry.enabled });
    await this.#link.run((client) =>
      scriptsOf(client).saveSchedule(this.#keys, [entry.name, text, entry.lastSlot ?? '']),
    );
  }

  /** Not repeated after a lost reply: the repetition would say that somebody else had fired the slot. */
  async markFired(name: string, slot: number): Promise<boolean> {
    return (await this.#link.runOnce((client) => scriptsOf(client).markFired(this.#keys, [name, slot]))) === 1;
  }

  async remove(name: string): Promise<boolean> {
    const [removed] = await this.#link.run((client) => Promise.all(this.#keys.map((key) => client.hdel(key, name))));
    return removed === 1;
  }
}

/** Foreign bytes in the hash are passed over, so that one bad entry does not stop the others. */
function parseEntry(name: string, text: string, slot: string | undefined): ScheduleEntry | undefined {
  try {
    const { definition, enabled } = JSON.parse(text) as { definition?: JsonValue; enabled?: unknown };
    if (definition === undefined) return undefined;
    return { name, definition, enabled: enabled === true, ...(slot === undefined ? {} : { lastSlot: Number(slot) }) };
  } catch {
    return undefined;
  }
}
