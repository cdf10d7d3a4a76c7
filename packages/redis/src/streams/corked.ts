import type { RedisClient } from '../connection.ts';

/** Lets all that `work` writes to this client leave in one system call, at its end. */
export function corked(client: RedisClient, work: () => void): void {
  const stream = client.stream as RedisClient['stream'] | undefined; // a cluster has one per node, and is left alone
  stream?.cork();
  try {
    work();
  } finally {
    stream?.uncork();
  }
}
