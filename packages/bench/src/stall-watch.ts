import { Worker } from 'node:worker_threads';

/** Watches from outside whether Redis answers. */
export interface StallWatch {
  /** Ends the watch; the longest time that one PING took, in milliseconds. */
  stop(): Promise<number>;
}

/**
 * Pings Redis over a connection of its own, one ping after the other, in a thread of its own: what the harness does is not
 * taken for a stall. What the machine does to the thread is: the figure errs on the high side.
 */
export function watchStalls(url: string): Promise<StallWatch> {
  const thread = new Worker(new URL('./stall-thread.js', import.meta.url), { workerData: url });
  return new Promise((resolve, reject) => {
    thread.once('error', reject);
    thread.once('message', () =>
      resolve({
        stop: () =>
          new Promise((stopped) => {
            thread.once('message', stopped);
            thread.postMessage('stop');
          }),
      }),
    );
  });
}
