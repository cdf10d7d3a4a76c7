import type { RedisClient } from './connection.ts';

/**
 * Lets all that is written to this client in the current turn of the event loop leave in one system call. ioredis
 * writes every command by itself, and for small commands the system call is a third of their cost; a turn that hears
 * the replies to forty settlements then writes forty more. The delay is that of `setImmediate`: the rest of the turn.
 */
export function batchWrites(client: RedisClient): void {
  const stream = client.stream as RedisClient['stream'] | undefined; // a cluster has one per node, and is left alone
  if (!stream || stream.writableCorked > 0) return;
  stream.cork();
  setImmediate(() => stream.uncork());
}
