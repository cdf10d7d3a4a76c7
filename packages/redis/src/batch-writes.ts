import type { RedisClient } from './connection.ts';

/**
 * Bytes in one write, some ten settlements: Redis works on them while the next are made. With all of a turn in one write each waits for
 * the other, and a worker of 100 slots ran 27,300 no-op tasks/s; with three to five it ran 31,700, with eight to twelve 33,500.
 */
const enough = 4_096;

/** Streams to which something was written in this turn of the event loop. */
const begun = new WeakSet<object>();

/**
 * Lets what is written to this client in the current turn of the event loop leave in few system calls: the first command at
 * once, for it may be the only one, the others together. ioredis writes every command by itself; those system calls were 22 % of a busy
 * worker's time, and without them it ran 15,900 no-op tasks/s in place of 12,000 (BullMQ's own worker, beside it in the same
 * runs: 24,100 and 21,700). A turn that hears the replies to forty settlements writes forty more. The delay is that of
 * `setImmediate` at most: the rest of the turn. `sameSlot`: others will follow, so the first waits for them.
 */
export function batchWrites(client: RedisClient, first: 'at once' | 'together' = 'at once'): void {
  const stream = client.stream as RedisClient['stream'] | undefined; // a cluster has one per node, and is left alone
  if (!stream) return;
  if (!begun.has(stream)) {
    begun.add(stream);
    if (first === 'together') stream.cork();
    setImmediate(() => {
      begun.delete(stream);
      if (stream.writableCorked > 0) stream.uncork();
    });
  } else if (stream.writableCorked === 0) {
    stream.cork();
  } else if (stream.writableLength >= enough) {
    stream.uncork();
    stream.cork();
  }
}
