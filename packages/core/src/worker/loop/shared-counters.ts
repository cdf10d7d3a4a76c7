/**
 * The memory that the event loop and its watchman share: whole numbers, each written by one side. Nobody waits for the other,
 * and a number that is seen late is seen at the next look.
 */
export const counters = {
  /** Grows with each turn of the loop's timer. */
  beat: 0,
  /** The number of the handler whose synchronous part runs; 0 for none. */
  entered: 1,
  /** By the watchman: what `entered` was when it found the loop blocked. */
  culprit: 2,
  /** By the watchman: how often it has renewed the leases in this block. */
  renewals: 3,
} as const;

/** Makes the memory. */
export function createSharedCounters(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(Object.keys(counters).length * Int32Array.BYTES_PER_ELEMENT));
}
