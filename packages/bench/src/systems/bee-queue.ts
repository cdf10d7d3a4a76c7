import BeeQueue from 'bee-queue';
import { add, chunks, queueName, type System } from './system.ts';

interface AddJob {
  readonly x: number;
  readonly y: number;
}

/** bee-queue at its fastest: nothing stored, no events. */
export function createBeeQueueSystem(url: string): System {
  const { hostname: host, port } = new URL(url);
  const settings = { redis: { host, port: Number(port) }, getEvents: false, sendEvents: false, storeJobs: false };
  const open: BeeQueue[] = [];
  const queue = (isWorker: boolean): BeeQueue<AddJob> => {
    const made = new BeeQueue<AddJob>(queueName, { ...settings, isWorker, removeOnSuccess: true });
    open.push(made);
    return made;
  };
  return {
    async fill(count) {
      const producer = queue(false);
      for (const chunk of chunks(count)) await producer.saveAll(chunk.map((x) => producer.createJob({ x, y: 1 })));
    },
    async work(ran) {
      const worker = queue(true);
      await worker.ready();
      worker.process(50, async ({ data }) => {
        ran();
        return add(data.x, data.y);
      });
    },
    async close() {
      await Promise.all(open.map((made) => made.close(1000)));
    },
  };
}
