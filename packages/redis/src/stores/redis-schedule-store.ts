import type { JsonValue, ScheduleEntry, ScheduleStore } from '@lovage/core/driver';
import type { Keys } from '../keys.ts';
import { scriptsOf } from '../scripts/scripts.ts';
import type { StoreLink } from '../store-link.ts';

/** Periodic entries in two hashes: what they are, and the last slot each fired. */
export class RedisScheduleStore implements ScheduleStore {
  readonly #link: StoreLink;
  readonly #keys: [definitions: string, slots: string];
  readonly #version: string;

  constructor(link: StoreLink, keys: Keys) {
    this.#link = link;
    this.#keys = [keys.schedules, keys.scheduleSlots];
    this.#version = keys.scheduleVersion;
  }

  async list(): Promise<readonly ScheduleEntry[]> {
    const [definitions, slots] = await this.#link.run((client) =>
      Promise.all(this.#keys.map((key) => client.hgetall(key))),
    );
    return Object.entries(definitions ?? {}).flatMap(([name, text]) => parseEntry(name, text, slots?.[name]) ?? []);
  }

  async get(names: readonly string[]): Promise<readonly (ScheduleEntry | undefined)[]> {
    const [texts = [], slots = []] = await this.#link.run((client) =>
      Promise.all(this.#keys.map((key) => client.hmget(key, ...names))),
    );
    return names.map((name, index) => {
      const text = texts[index];
      return text == null ? undefined : parseEntry(name, text, slots[index] ?? undefined);
    });
  }

  async version(): Promise<string> {
    return (await this.#link.run((client) => client.get(this.#version))) ?? '';
  }

  async save(entry: ScheduleEntry): Promise<void> {
    const text = JSON.stringify({ definition: entry.definition, enabled: entry.enabled });
    await this.#link.run((client) =>
      scriptsOf(client).saveSchedule(
        [...this.#keys, this.#version],
        [entry.name, text, entry.lastSlot ?? '', entry.definition === null ? '' : '1'],
      ),
    );
  }

  /** Not repeated after a lost reply: the repetition would say that somebody else had fired the slot. */
  async markFired(name: string, slot: number): Promise<boolean> {
    return (await this.#link.runOnce((client) => scriptsOf(client).markFired(this.#keys, [name, slot]))) === 1;
  }

  async remove(name: string): Promise<boolean> {
    const [removed] = await this.#link.run((client) =>
      Promise.all([...this.#keys.map((key) => client.hdel(key, name)), client.incr(this.#version)]),
    );
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
