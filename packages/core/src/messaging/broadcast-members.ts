import type { SharedRegistry } from '../driver/shared-registry.ts';
import type { JsonValue } from '../message/json.ts';

/** A worker that consumes a broadcast queue: what it gets waits in a queue of its own. */
export interface Member {
  readonly worker: string;
  readonly queue: string;
}

/** How long a worker counts as living after its last word; it speaks three times within. In milliseconds. */
export const memberTtl = 30_000;
/** A worker that was silent for so much longer will not come back: its queue is deleted. */
const goneAfter = 300_000;

/** The book of a broadcast queue's members; their names in it are their queues. */
export function namespaceOf(queue: string): string {
  return `broadcast.${queue}`;
}

/** The workers that consume the queue now. */
export async function liveMembers(sharedRegistry: SharedRegistry, queue: string): Promise<readonly Member[]> {
  const entries = await sharedRegistry.list(namespaceOf(queue));
  return entries.flatMap(({ name, value, expiredFor }) =>
    expiredFor === undefined ? [{ worker: workerIn(value), queue: name }] : [],
  );
}

/** The queues of workers that died long ago. */
export async function goneMembers(sharedRegistry: SharedRegistry, queue: string): Promise<readonly string[]> {
  const entries = await sharedRegistry.list(namespaceOf(queue));
  return entries.filter(({ expiredFor = 0 }) => expiredFor > goneAfter).map(({ name }) => name);
}

function workerIn(value: JsonValue): string {
  return typeof value === 'string' ? value : String(value);
}
