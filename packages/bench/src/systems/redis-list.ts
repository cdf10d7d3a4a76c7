import { Redis } from 'ioredis';
import { add, queueName, type System } from './system.ts';

/** The floor: a request pushed on a list, popped by another process, its reply popped from a second list. */
export function createRedisListSystem(url: string): System {
  const redis = new Redis(url, { maxRetriesPerRequest: null });
  const [requests, replies] = [`${queueName}:requests`, `${queueName}:replies`];
  let stopped = false;
  async function serve(ran: () => void): Promise<void> {
    while (!stopped) {
      const popped = await redis.brpop(requests, 0);
      if (popped === null) continue;
      const [x, y] = JSON.parse(popped[1]) as [number, number];
      ran();
      void redis.lpush(replies, JSON.stringify(add(x, y))); // its own reply is not waited for
    }
  }
  return {
    async fill() {},
    async work(ran) {
      await redis.ping();
      serve(ran).catch((error: unknown) => {
        if (!stopped) throw error;
      });
    },
    async call() {
      void redis.lpush(requests, '[2,3]');
      await redis.brpop(replies, 0);
    },
    async close() {
      stopped = true;
      redis.disconnect();
    },
  };
}
