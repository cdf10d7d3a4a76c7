// P6: Redis memory of one waiting task with a UUID id and 200 bytes of arguments. P7: backlogs.
import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { Lovage } from 'lovage';
import { type Bench, type BenchContext, scaled } from '../bench.ts';
import { type Measurement, measureRounds } from '../measure.ts';
import { chunks, queueName } from '../systems/system.ts';
import { streamsUrl } from '../systems/systems.ts';
import { backlogs } from './backlog.ts';

/** 200 bytes of JSON text. */
const payload = 'x'.repeat(196);

export const memory: Bench = async (context) => ({
  rounds: await measureRounds(
    context.load.rounds,
    [
      memoryOf(context, 'redis:// memory of a waiting task', fillLovage),
      memoryOf(context, 'redis+streams:// memory of a waiting task', (url, count) =>
        fillLovage(streamsUrl(url), count),
      ),
      memoryOf(context, 'bullmq memory of a waiting job', fillBullmq),
      backlogs(context),
    ],
    (done) => context.say(`round ${done} of ${context.load.rounds}`),
  ),
});

function memoryOf(
  { load, redis }: BenchContext,
  name: string,
  fill: (url: string, count: number) => Promise<void>,
): Measurement {
  return async () => {
    const count = scaled(load, 20_000, 500);
    await redis.client.flushall();
    await fill(redis.url, 500); // the queue's own keys, and an event stream that is full sooner or later
    const before = await usedMemory(redis.client);
    await fill(redis.url, count);
    return { [name]: ((await usedMemory(redis.client)) - before) / count };
  };
}

async function fillLovage(url: string, count: number): Promise<void> {
  const app = new Lovage('bench', { broker: url, logLevel: 'error', conf: { taskDefaultQueue: queueName } });
  const store = app.remote<(text: string) => void>('store');
  await store.delayMany(Array.from({ length: count }, (): [string] => [payload]));
  await app.close();
}

async function fillBullmq(url: string, count: number): Promise<void> {
  const { hostname: host, port } = new URL(url);
  const queue = new Queue(queueName, { connection: { host, port: Number(port) } });
  for (const chunk of chunks(count)) {
    await queue.addBulk(chunk.map(() => ({ name: 'store', data: [payload], opts: { jobId: randomUUID() } })));
  }
  await queue.close();
}

/** What the data takes, without the buffers of clients that come and go. */
async function usedMemory(client: BenchContext['redis']['client']): Promise<number> {
  return Number(/used_memory_dataset:(\d+)/.exec(await client.info('memory'))?.[1]);
}
