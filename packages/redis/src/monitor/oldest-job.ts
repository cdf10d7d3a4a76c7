import type { RedisClient } from '../connection.ts';

/** BullMQ's priorities of Lovage's, and how it writes one in the score of a waiting job: before a counter. */
const priorities = 10;
const perPriority = 0x100000000;

/**
 * For how many milliseconds the oldest waiting job has been ready, by Redis's clock: since it was sent, or was due. BullMQ does not
 * keep when a job that is retried became ready; such a one counts from the time it was first due.
 */
export async function oldestJob(client: RedisClient, key: (part: string) => string): Promise<number | undefined> {
  const heads = Array.from({ length: priorities + 1 }, (_, priority) =>
    client.zrangebyscore(key('prioritized'), priority * perPriority, `(${(priority + 1) * perPriority}`, 'LIMIT', 0, 1),
  );
  const [time, plain, ...found] = await Promise.all([client.time(), client.lindex(key('wait'), -1), ...heads]);
  const ids = [...(plain === null ? [] : [plain]), ...found.flat()];
  const jobs = await Promise.all(ids.map((id) => client.hmget(key(id), 'timestamp', 'delay')));
  const since = jobs.flatMap(([sent, delay]) => (sent ? [Number(sent) + Number(delay ?? 0)] : []));
  if (since.length === 0) return undefined;
  return Math.max(0, Number(time[0]) * 1_000 + Math.floor(Number(time[1]) / 1_000) - Math.min(...since));
}
