/**
 * Lovage's priority (higher sooner, 0 for none) as kombu's on Redis (lower sooner, 0 for none): a task without one goes where
 * Python's go, into the queue's first list.
 */
export function toWirePriority(own: number): number {
  return own === 0 ? 0 : 9 - own;
}

/** The other way round. */
export function fromWirePriority(wire: number): number {
  const clamped = Math.min(9, Math.max(0, Math.round(wire)));
  return clamped === 0 ? 0 : 9 - clamped;
}
