import { NotSupportedError } from '../errors.ts';
import { isFinal } from '../message/outcome.ts';
import type { OpenStores } from '../stores/stores.ts';
import type { Entry } from './entry.ts';
import { slotId } from './slot-id.ts';

/** Whether the run of the entry's last slot has not ended: it waits, runs, or will be retried. */
export async function isUnderWay(stores: OpenStores, entry: Entry, maxWait: number, now: number): Promise<boolean> {
  const { lastSlot } = entry;
  if (lastSlot === undefined) return false;
  const id = slotId(entry.definition.app, entry.name, lastSlot);
  if (await hasEnded(stores, id)) return false;
  if (!('task' in entry.definition.signature)) return now - lastSlot < maxWait; // a canvas is in the broker in parts
  const [place] = (await stores.monitor?.locate([id])) ?? [];
  return place !== undefined;
}

async function hasEnded({ results }: OpenStores, id: string): Promise<boolean> {
  const [record] = (await results?.get([id])) ?? [];
  return record !== undefined && isFinal(record);
}

/** Throws {@link NotSupportedError} where nobody can say whether a run has ended. */
export function assertOverlapCanBeSeen(stores: OpenStores, entries: Iterable<Entry>): void {
  for (const { name, definition } of entries) {
    if (definition.options.overlap === 'allow') continue;
    if (stores.monitor && (stores.results || 'task' in definition.signature)) continue;
    throw new NotSupportedError(
      `schedule "${name}": overlap "${definition.options.overlap}" needs a result backend and a broker that can be looked at`,
    );
  }
}
