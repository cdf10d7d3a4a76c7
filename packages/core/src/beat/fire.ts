import type { CallOptions } from '../producer/call-options.ts';
import type { Entry } from './entry.ts';
import { slotId, slotJitter } from './slot-id.ts';

/** Sends an entry's signature for a slot, under the id of that slot: sent twice it runs once. */
export async function fireSlot(entry: Entry, slot: number): Promise<void> {
  const { app, name, options } = entry.definition;
  const id = slotId(app, name, slot);
  const delay = slotJitter(id, options.jitter);
  await entry.signature.applyAsync([], {
    ...scheduleHeader(entry, slot),
    taskId: id,
    ...(delay > 0 ? { eta: new Date(slot + delay) } : {}),
  });
}

/** What the handler and tools see: `headers.schedule` with the entry's name and the slot's time. */
export function scheduleHeader(
  { definition, signature }: Pick<Entry, 'definition' | 'signature'>,
  slot: number,
): CallOptions {
  const { options } = signature as { readonly options?: CallOptions };
  return { headers: { ...options?.headers, schedule: { name: definition.name, slot } } };
}
