import { Queue, QueueEvents, Worker } from 'bullmq';
import { add, chunks, queueName, type System, slots } from './system.ts';

/**
 * Raw BullMQ as its documentation has it, with its cheapest settings: finished jobs are removed at once, unless someone
 * waits for them (`waitUntilFinished` reads the job).
 */
export function createBullmqSystem(url: string): System {
  const { hostname: host, port } = new URL(url);
  const connection = { host, port: Number(port), maxRetriesPerRequest: null };
  const open: { close(): Promise<unknown> }[] = [];
  const keep = <T extends { close(): Promise<unknown> }>(part: T): T => {
    open.push(part);
    return part;
  };
  let queue: Queue | undefined;
  let events: QueueEvents | undefined;
  const producer = (): Queue => {
    queue ??= keep(new Queue(queueName, { connection })).setMaxListeners(0); // each wait listens for its end
    return queue;
  };
  const listener = async (): Promise<QueueEvents> => {
    if (events === undefined) {
      events = keep(new QueueEvents(queueName, { connection }));
      events.setMaxListeners(0);
      await events.waitUntilReady();
    }
    return events;
  };
  return {
    async fill(count) {
      const removed = { removeOnComplete: true };
      for (const chunk of chunks(count)) {
        await producer().addBulk(chunk.map((index) => ({ name: 'add', data: { x: index, y: 1 }, opts: removed })));
      }
    },
    async work(ran) {
      const handler = async ({ data }: { data: { x: number; y: number } }): Promise<number> => {
        ran();
        return add(data.x, data.y);
      };
      const worker = keep(new Worker(queueName, handler, { connection, concurrency: slots }));
      await worker.waitUntilReady();
    },
    async trip(count) {
      const finished = await listener();
      const jobs = Array.from({ length: count }, (_, index) => producer().add('add', { x: index, y: 1 }));
      await Promise.all(jobs.map(async (job) => (await job).waitUntilFinished(finished)));
    },
    async call() {
      const finished = await listener();
      await (await producer().add('add', { x: 2, y: 3 })).waitUntilFinished(finished);
    },
    async close() {
      await Promise.all(open.map((part) => part.close()));
    },
  };
}
