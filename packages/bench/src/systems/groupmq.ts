import { Queue, Worker } from 'groupmq';
import { Redis } from 'ioredis';
import { add, chunks, queueName, type System, slots } from './system.ts';

/**
 * Tasks of one group run one after the other, so there are as many groups as slots: groupmq's fastest setting here (with
 * 10, 100, 1,000 groups and one for each task: 6,300, 40,800, 16,800 and 6,200 tasks/s).
 */
export function createGroupmqSystem(url: string): System {
  const redis = new Redis(url, { maxRetriesPerRequest: null });
  const queue = new Queue<{ x: number; y: number }>({ redis, namespace: queueName, keepCompleted: 0 });
  const workers: Worker[] = [];
  return {
    async fill(count) {
      for (const chunk of chunks(count)) {
        await Promise.all(chunk.map((x) => queue.add({ groupId: `g${x % slots}`, data: { x, y: 1 } })));
      }
    },
    async work(ran) {
      const handler = async ({ data }: { data: { x: number; y: number } }): Promise<number> => {
        ran();
        return add(data.x, data.y);
      };
      const worker = new Worker({ queue, handler, concurrency: slots });
      workers.push(worker as unknown as Worker); // a list to close, whatever its jobs carry
      void worker.run();
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close(1000)));
      redis.disconnect();
    },
  };
}
