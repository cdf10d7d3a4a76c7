import type { RedisClient } from '../../connection.ts';

/** Holds what is written to this client back, until the function it returns is called. */
export function cork(client: RedisClient): () => void {
  const stream = client.stream as RedisClient['stream'] | undefined; // a cluster has one per node, and is left alone
  stream?.cork();
  return () => stream?.uncork();
}

/** Lets all that `work` writes to this client leave in one system call, at its end. */
export function corked(client: RedisClient, work: () => void): void {
  const release = cork(client);
  try {
    work();
  } finally {
    release();
  }
}
