import type { ScheduleEntry, ScheduleStore } from '../driver/schedule-store.ts';
import type { SharedRegistry } from '../driver/shared-registry.ts';
import type { Logger } from '../logger.ts';
import type { Sealer } from './sealer.ts';
import { TextSeal } from './text-seal.ts';

/** Schedules that only who may send can write. One that cannot be opened is set aside by name, like any that cannot be read. */
export function sealSchedules(inner: ScheduleStore, sealer: Sealer, logger: Logger): ScheduleStore {
  const seal = new TextSeal(sealer, 'schedule', 'send');
  const open = (entry: ScheduleEntry): ScheduleEntry => {
    if (entry.definition === null) return entry; // says only which slots are over
    const text = typeof entry.definition === 'string' ? entry.definition : JSON.stringify(entry.definition);
    try {
      return { ...entry, definition: JSON.parse(seal.open(text, entry.name)) };
    } catch (error) {
      logger.error('a schedule is not fired: it cannot be trusted', { schedule: entry.name, error });
      return { ...entry, definition: 'untrusted' };
    }
  };
  const { get, version } = inner;
  return {
    list: async () => (await inner.list()).map(open),
    ...(get ? { get: async (names) => (await get.call(inner, names)).map((entry) => entry && open(entry)) } : {}),
    ...(version ? { version: () => version.call(inner) } : {}),
    save: async (entry) => {
      const { definition, name } = entry;
      return inner.save(
        definition === null ? entry : { ...entry, definition: seal.seal(JSON.stringify(definition), name) },
      );
    },
    markFired: (name, slot) => inner.markFired(name, slot),
    remove: (name) => inner.remove(name),
  };
}

/** A registry whose values are sealed; one that cannot be opened is left out. */
export function sealRegistry(inner: SharedRegistry, sealer: Sealer, logger: Logger): SharedRegistry {
  const seal = new TextSeal(sealer, 'registry', 'any');
  return {
    put: async (namespace, name, value, ttl) =>
      inner.put(namespace, name, seal.seal(JSON.stringify(value), namespace, name), ttl),
    list: async (namespace) =>
      (await inner.list(namespace)).flatMap((entry) => {
        const text = typeof entry.value === 'string' ? entry.value : JSON.stringify(entry.value);
        try {
          return [{ ...entry, value: JSON.parse(seal.open(text, namespace, entry.name)) }];
        } catch (error) {
          logger.warn('left out an entry that cannot be trusted', { namespace, name: entry.name, error });
          return [];
        }
      }),
    remove: (namespace, names) => inner.remove(namespace, names),
  };
}
