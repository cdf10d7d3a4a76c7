// The thread of stall-watch.ts. Says `0` when it begins, and the longest ping in milliseconds when it is told to stop.
import { parentPort, workerData } from 'node:worker_threads';
import { Redis } from 'ioredis';

const redis = new Redis(workerData as string);
let stopped = false;
parentPort?.once('message', () => {
  stopped = true;
});
await redis.ping();
parentPort?.postMessage(0);
let longest = 0;
while (!stopped) {
  const sent = performance.now();
  await redis.ping();
  longest = Math.max(longest, performance.now() - sent);
  await new Promise((resolve) => setTimeout(resolve, 1));
}
parentPort?.postMessage(longest);
redis.disconnect();
